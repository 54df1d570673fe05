"""The configuration of a server, as the rest of the service reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import TypeAlias

from storperf.jobfile.places import Places
from storperf.model.access import Scope
from storperf.web.compatible.allowed import Allowed

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one caller may ask for.

    `requests_per_s` is what a caller may do for long, five seconds of it at once.  A request has
    `body_s` seconds to arrive.
    """

    body_bytes: int = 4 << 20
    body_s: float = 30.0
    requests_per_s: int = 200
    # At 256 bits nobody guesses a token; this keeps the log and the audit readable.
    failed_logins: int = 10
    queued_runs: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A server as its admin wants it; without a file it serves this machine alone.

    `hosts` are the names that it may be asked by besides this machine's own; None lets every
    name pass, for tests and for an application inside another.  `networks` are addresses that
    need no token.  What X-Forwarded-For says is believed of the addresses in `proxies`.
    Without `keep_audit_s` the audit is kept for ever.
    """

    host: str = "127.0.0.1"
    port: int = 5000
    socket: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    hosts: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()
    networks: tuple[tuple[Network, Scope], ...] = ()
    proxies: tuple[str, ...] = ()
    runs_at_once: int = 4
    keep_audit_s: float | None = None
    limits: Limits = Limits()
    places: Places = field(default_factory=Places)
    compatible: Allowed = field(default_factory=Allowed)

    def shows_tokens(self) -> bool:
        """Whether tokens cross a network as plain text."""
        if self.socket is not None or self.certificate is not None or self.host == "localhost":
            return False
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return True


NO_CONFIGURATION = Configuration()
