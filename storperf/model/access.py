"""Who may ask the service for what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token is good for; each includes the ones before it."""

    READ = "read"
    RUN = "run"
    ADMIN = "admin"


RANK = {Scope.READ: 0, Scope.RUN: 1, Scope.ADMIN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as the store knows it: never the secret, only its SHA-256 in hexadecimal digits.

    Times are epoch seconds.
    """

    id: str
    name: str
    digest: str
    scope: Scope
    created_s: float
    expires_s: float | None = None
    revoked_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: a token's name, or an address that may ask without one."""

    name: str
    scope: Scope
    address: str

    def may(self, wanted: Scope) -> bool:
        """Whether the caller's scope includes that one."""
        return RANK[self.scope] >= RANK[wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that was asked for and changes something, or was refused."""

    at_s: float
    who: str
    address: str
    what: str
    outcome: str
