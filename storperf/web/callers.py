"""Who asks: a bearer token, or HTTP Basic with the token as password for old clients."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.exceptions import HTTPException

from storperf.model.access import Caller, Scope
from storperf.web.served import ServedBy

_ASK = {"WWW-Authenticate": 'Basic realm="storperf", charset="UTF-8"'}


def digest_of(secret: str) -> str:
    """What the store keeps of a token's secret.

    A plain SHA-256 is enough: the secret is 256 random bits, no password.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def caller(request: Request, by: ServedBy) -> Caller:
    """The caller of a request; 401 when nobody vouches for it."""
    secret = _secret(request.headers.get("authorization", ""))
    token = None if secret is None else by.store.token_of(digest_of(secret))
    now_s = time.time()
    if token is None or token.revoked_s is not None or (token.expires_s or now_s) < now_s:
        raise HTTPException(401, "give a valid token: `Authorization: Bearer TOKEN`", _ASK)
    address = request.client.host if request.client else ""
    return Caller(name=token.name, scope=token.scope, address=address)


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


def require(scope: Scope) -> Callable[[Caller], Caller]:
    """A dependency: the caller, when its scope is that one or a wider one; 403 otherwise."""

    def allowed(asking: Annotated[Caller, Depends(caller)]) -> Caller:
        if not asking.may(scope):
            raise HTTPException(403, f"this needs a token with the scope {scope}")
        return asking

    return allowed


Reader = Annotated[Caller, Depends(require(Scope.READ))]
Runner = Annotated[Caller, Depends(require(Scope.RUN))]
Admin = Annotated[Caller, Depends(require(Scope.ADMIN))]
