"""How the earlier StorPerf answered: indented JSON, and `message` in what went wrong.

Scripts around it read its answers with awk, line by line, so that every key stands on a line of
its own and no other line of an answer may hold the word that they look for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from storperf.errors import ExitCode, StorperfError

# Its own header, on everything that needs a stack.
SUNSET = {"Sunset": "Tue. 31 Mar 2020 23:59:59 GMT"}


class OldJson(JSONResponse):
    """JSON as Flask's debug mode wrote it: two blanks a level, keys in order."""

    def render(self, content: Any) -> bytes:
        """The text, with a line's end at the end."""
        return (json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


class OldRoute(APIRoute):
    """A route whose errors have the form of the earlier StorPerf, and ours beside it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with every error that it expects turned into an answer."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except StorperfError as error:
                return _fault(error.message, error.http_status, error.exit_code)
            except RequestValidationError:
                return _fault("ERROR: the body is no JSON", 400)
            except HTTPException as error:
                return _fault(f"ERROR: {error.detail}", error.status_code, headers=error.headers)

        return answered


def _fault(
    message: str,
    status: int,
    exit_code: ExitCode = ExitCode.USAGE,
    headers: Any = None,
) -> Response:
    content = {"message": message, "error": message, "exit_code": int(exit_code)}
    return OldJson(content, status, headers)
