"""How a browser logs in: a token once, then a session that no page of another origin can use."""

from __future__ import annotations

from importlib import resources
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from storperf import tokens
from storperf.errors import ExitCode
from storperf.web import asked
from storperf.web.callers import COOKIE, LoginNeeded
from storperf.web.served import ServedBy

router = APIRouter(include_in_schema=False)
_SEE_OTHER = 303
_LONGEST_FORM = 4096


def ask_for_login(request: Request, error: Exception) -> Response:
    """401 for programs; the page to log in for a browser that looks at one."""
    if not isinstance(error, LoginNeeded):
        raise error
    wants_page = "text/html" in request.headers.get("accept", "")
    if request.method == "GET" and wants_page and not request.url.path.startswith("/api"):
        where = quote(request.url.path, safe="/")
        return RedirectResponse(f"/login?next={where}", _SEE_OTHER)
    answer = {"error": error.detail, "exit_code": int(ExitCode.USAGE)}
    return JSONResponse(answer, error.status_code, error.headers)


@router.get("/login")
def page() -> HTMLResponse:
    """The form."""
    return HTMLResponse(_page("login.html"))


@router.get("/login.css")
def style() -> Response:
    """How it looks."""
    return Response(_page("login.css"), media_type="text/css")


async def _form(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > _LONGEST_FORM:
        return {}
    text = body.decode("ascii", errors="replace")
    return {name: values[-1] for name, values in parse_qs(text, max_num_fields=10).items()}


@router.post("/login")
def log_in(
    request: Request, by: ServedBy, form: Annotated[dict[str, str], Depends(_form)]
) -> Response:
    """A session for a valid token, in a cookie that scripts cannot read."""
    note = asked.of(request.scope)
    token = tokens.valid_token(by.store, form.get("token", "").strip())
    if token is None or tokens.is_session(token):
        note.showed_wrong_token = True
        return HTMLResponse(_page("login.html").replace(" hidden", ""), 401)
    note.who = token.name
    answer = RedirectResponse(_own_path(request.query_params.get("next", "/")), _SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        tokens.open_session(by.store, token),
        max_age=int(tokens.SESSION_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
def log_out(request: Request, by: ServedBy) -> Response:
    """The end of the session."""
    token = tokens.valid_token(by.store, request.cookies.get(COOKIE, ""))
    if token is not None and tokens.is_session(token):
        asked.of(request.scope).who = token.name
        tokens.revoke(by.store, token.id)
    answer = RedirectResponse("/login", _SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _own_path(path: str) -> str:
    """The path, when it is one of this server's own; else the first page."""
    is_own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return quote(path, safe="/") if is_own else "/"


def _page(name: str) -> str:
    return (resources.files("storperf.web") / name).read_text(encoding="utf-8")
