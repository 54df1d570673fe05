"""The OpenAPI document of the native API: what its routes take and give, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from storperf.version import package_version
from storperf.web.callers import WANTED
from storperf.web.native.reply import reply
from storperf.web.native.router import PARTS, PREFIX
from storperf.web.native.router import router as native

ADDRESS = "/api/v3/openapi.json"
# Key of an operation: the scope that its caller needs.
SCOPE = "x-storperf-scope"
_TOKEN = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the server."},
    "basic": {"type": "http", "scheme": "basic", "description": "The token as the password."},
}
_NO_TOKEN = "/api/v3/health"
_ABOUT = (
    "Everything that storperf knows and does.  Times are epoch seconds unless a name says "
    "otherwise; errors have one form, `{error, exit_code}`."
)


@cache
def openapi() -> dict[str, Any]:
    """The document, OpenAPI 3.1; made once, it takes half a second."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(native)
    document = get_openapi(
        title="storperf",
        version=package_version(),
        description=_ABOUT,
        routes=app.routes,
    )
    document["components"]["securitySchemes"] = _TOKEN
    document["security"] = [{name: []} for name in _TOKEN]
    document["paths"][_NO_TOKEN]["get"]["security"] = []
    for route in (each for part in PARTS for each in part.routes):
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                path = PREFIX + route.path.replace(":path}", "}")
                document["paths"][path][method.lower()][SCOPE] = _scope_of(route)
    return document


def _scope_of(route: APIRoute) -> str | None:
    """What a token must be good for; None where none is needed."""
    calls = [each.call for each in route.dependant.dependencies]
    return next((scope.value for scope, call in WANTED.items() if call in calls), None)


router = APIRouter(include_in_schema=False)


@router.get(ADDRESS)
def show() -> Response:
    """The document; needs no token, as it says nothing of this server."""
    return reply(openapi())
