"""The page of the native API: for people what its OpenAPI document is for programs."""

from __future__ import annotations

import re
import shlex
from functools import cache

from fastapi import APIRouter, Response
from markupsafe import Markup, escape

from storperf.web.native.described import ADDRESS as DOCUMENT
from storperf.web.native.operations import Exchange, groups
from storperf.web.native.reply import ERRORS
from storperf.web.pages.rendering import page_text, policed

router = APIRouter(include_in_schema=False)

ADDRESS = "/api/v3/docs"
_CODE = re.compile(r"`([^`]*)`")


@router.get(ADDRESS)
def show() -> Response:
    """Every operation with examples; needs no token, as it says nothing of this server."""
    return policed(_page())


@cache
def _page() -> str:
    return page_text(
        "api.html",
        here=ADDRESS,
        caller=None,
        document=DOCUMENT,
        groups=groups(),
        errors=ERRORS,
        code=as_code,
        curl=as_curl,
        lines=escape,
    )


def as_code(text: str) -> Markup:
    """The text, escaped; what stands in backquotes as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def as_curl(example: Exchange) -> Markup:
    """The request as a command; `$STORPERF` is the address of the server."""
    method = "" if example.method == "GET" else f" -X {example.method}"
    body = f" \\\n  --json {shlex.quote(example.body)}" if example.body else ""
    # Of what stands in an address only `&` and `=` would need quotes, and none is a quote itself.
    address = f'"$STORPERF/api/v3{example.address}"'
    return escape(f'curl{method} -H "Authorization: Bearer $TOKEN" {address}{body}')
