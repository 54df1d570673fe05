"""Who asks: a token, the session of a browser, or an address that needs neither.

A token comes as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic from clients
that know nothing else.  It never stands in the path or the query of an address.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import HTTPException

from storperf.model.access import Caller, Scope
from storperf.tokens import valid_token
from storperf.web import asked
from storperf.web.configuration import Configuration
from storperf.web.served import ServedBy

COOKIE = "storperf_session"
_ASK = {"WWW-Authenticate": 'Basic realm="storperf", charset="UTF-8"'}
_WORDS = "give a valid token: `Authorization: Bearer TOKEN`"


class LoginNeeded(HTTPException):
    """Nobody vouches for a request."""

    def __init__(self) -> None:
        super().__init__(401, _WORDS, _ASK)


def caller(request: Request, by: ServedBy) -> Caller:
    """The caller of a request; LoginNeeded when nobody vouches for it."""
    address = request.client.host if request.client else ""
    secret = secret_of(request)
    if secret is None:
        found = _by_address(address, by.configuration)
        if found is None:
            raise LoginNeeded
    else:
        # Looked up by its digest: how long that takes says nothing about the secret.
        token = valid_token(by.store, secret)
        if token is None:
            asked.of(request.scope).showed_wrong_token = True
            raise LoginNeeded
        found = Caller(name=token.name, scope=token.scope, address=address)
    asked.of(request.scope).who = found.name
    return found


def secret_of(request: Request) -> str | None:
    """The secret that a request shows: that of its header, else that of its session."""
    header = request.headers.get("authorization")
    if header is None:
        return request.cookies.get(COOKIE)
    # A header that nobody understands is a wrong token, not none.
    return _secret(header) or ""


def _secret(header: str) -> str | None:
    kind, _, rest = header.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip() or None
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text.partition(":")[2] or None


def _by_address(address: str, configuration: Configuration) -> Caller | None:
    """The caller that the configuration makes of an address; None for those without a right."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return None
    # A socket of both kinds shows an IPv4 address as an IPv6 one.
    known = getattr(known, "ipv4_mapped", None) or known
    for network, scope in configuration.networks:
        if known in network:
            return Caller(name=f"address {known}", scope=scope, address=address)
    return None


def require(scope: Scope) -> Callable[[Caller], Caller]:
    """A dependency: the caller, when its scope is that one or a wider one; 403 otherwise."""

    def allowed(asking: Annotated[Caller, Depends(caller)]) -> Caller:
        if not asking.may(scope):
            raise HTTPException(403, f"this needs a token with the scope {scope}")
        return asking

    return allowed


# What a route depends on, by the scope that it wants; the API's documents say it from here.
WANTED = {scope: require(scope) for scope in Scope}
Reader = Annotated[Caller, Depends(WANTED[Scope.READ])]
Runner = Annotated[Caller, Depends(WANTED[Scope.RUN])]
Admin = Annotated[Caller, Depends(WANTED[Scope.ADMIN])]
