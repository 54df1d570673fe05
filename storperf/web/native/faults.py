"""Whatever goes wrong, in the one form of errors: `{"error": ..., "exit_code": ...}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from storperf.errors import ExitCode

_SERVER_ERROR = 500


def add_fault_handlers(app: FastAPI) -> None:
    """Let the framework's own refusals look like ours."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = ExitCode.USAGE if error.status_code < _SERVER_ERROR else ExitCode.BUG
    return JSONResponse(
        {"error": str(error.detail), "exit_code": int(code)}, error.status_code, error.headers
    )


def _malformed(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    # What was sent is not repeated: it may be a secret in the wrong place.
    faults = [f"{_place(each['loc'])}: {each['msg']}" for each in error.errors()]
    words = "; ".join(faults)
    return JSONResponse({"error": words, "exit_code": int(ExitCode.USAGE)}, 422)


def _place(parts: tuple[int | str, ...]) -> str:
    """Where in the request: `limit` of the query, `text` in the body."""
    return ".".join(str(part) for part in parts[1:]) or str(parts[0])
