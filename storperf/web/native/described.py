"""The OpenAPI document of the native API: what its routes take and give, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from storperf.version import package_version
from storperf.web.native.reply import reply
from storperf.web.native.router import router as native

ADDRESS = "/api/v3/openapi.json"
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
    return document


router = APIRouter(include_in_schema=False)


@router.get(ADDRESS)
def show() -> Response:
    """The document; needs no token, as it says nothing of this server."""
    return reply(openapi())
