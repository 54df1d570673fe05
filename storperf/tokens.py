"""Tokens of the service: made, listed, taken back, and the one that this machine's CLI reads."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from pathlib import Path

from storperf.errors import UsageError
from storperf.model.access import Scope, Token
from storperf.settings import Settings
from storperf.store.faults import file_faults
from storperf.store.store import Store
from storperf.token_file import read_token

# What a secret begins with, so that it is known for one where it should not be.
PREFIX = "storperf_"
LOCAL_NAME = "this machine"
# A session of a browser is a token, too; its id is the token's that opened it and this.
_SESSION = ".session-"
SESSION_S = 12 * 3600.0
_MOST_NAME = 100


def digest_of(secret: str) -> str:
    """What the store keeps of a token's secret.

    A plain SHA-256 is enough: the secret is 256 random bits, no password.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def add_token(
    store: Store, name: str, scope: Scope, *, expires_s: float | None = None
) -> tuple[Token, str]:
    """A new token and its secret, which nobody can look up again.  `expires_s` is in epoch seconds.

    UsageError for a name that cannot be shown.
    """
    if not name.strip() or len(name) > _MOST_NAME or not name.isprintable():
        raise UsageError(f"a token's name has 1 to {_MOST_NAME} printable characters")
    return _kept(store, secrets.token_hex(4), name, scope, expires_s)


def open_session(store: Store, token: Token) -> str:
    """The secret of a session that may do what the token may, for SESSION_S at most.

    It ends with the token, or when the token is revoked.
    """
    now_s = time.time()
    store.forget_tokens_expired_before(now_s, like=f"%{_SESSION}%")
    ends_s = min(now_s + SESSION_S, token.expires_s or now_s + SESSION_S)
    root = token.id.partition(_SESSION)[0]
    made = f"{root}{_SESSION}{secrets.token_hex(4)}"
    _, secret = _kept(store, made, token.name, token.scope, ends_s)
    return secret


def is_session(token: Token) -> bool:
    """Whether it is a session of a browser."""
    return _SESSION in token.id


def _kept(
    store: Store, token_id: str, name: str, scope: Scope, expires_s: float | None
) -> tuple[Token, str]:
    secret = PREFIX + secrets.token_urlsafe(32)
    made = Token(
        id=token_id,
        name=name,
        digest=digest_of(secret),
        scope=scope,
        created_s=time.time(),
        expires_s=expires_s,
    )
    store.add_token(made)
    return made, secret


def valid_token(store: Store, secret: str) -> Token | None:
    """The token of a secret; None when there is none, or it has ended."""
    token = store.token_of(digest_of(secret))
    if token is None or token.revoked_s is not None:
        return None
    return None if token.expires_s is not None and token.expires_s < time.time() else token


def token_path(settings: Settings) -> Path:
    """Where the token of this machine's user lies."""
    return settings.results / "token"


def ensure_local_token(settings: Settings, store: Store) -> Path:
    """The file of a token that may do everything, readable by this user alone.

    It is made where there is none, or where its token is no longer valid.
    """
    path = token_path(settings)
    there = read_token(path)
    if there is not None and valid_token(store, there) is not None:
        return path
    _, secret = add_token(store, LOCAL_NAME, Scope.ADMIN)
    part = path.with_name(f".token.{secrets.token_hex(8)}")
    with file_faults("write", path):
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(number)
        part.replace(path)
    return path


def revoke(store: Store, token_id: str) -> None:
    """From now on the token and its sessions open nothing; UnknownName when there is none."""
    store.revoke_token(token_id, at_s=time.time())
