"""The configuration of a server: a YAML file, read once when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TypeAlias

from storperf.jobfile.places import Places
from storperf.model.access import Scope

Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one caller may ask for.

    `requests_per_s` is what a caller may do for long, five seconds of it at once.
    """

    body_bytes: int = 1 << 20
    body_s: float = 30.0
    requests_per_s: float = 200.0
    # At 256 bits nobody guesses a token; this keeps the log and the audit readable.
    failed_logins: int = 10
    queued_runs: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatible:
    """What the compatible API is told.

    `provider` is the name of the provider that its configurations stand for; None is this machine.
    `images` are the cloud's names of the images that old clients name.
    """

    provider: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    stackless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A server as its admin wants it; without a file it serves this machine alone.

    `hosts` are the names that it may be asked by; None lets every name pass, for tests and for
    an application inside another.  `networks` are addresses that need no token.  What
    X-Forwarded-For says is believed of the addresses in `proxies`.
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
    known_hosts: Path | None = None
    limits: Limits = Limits()
    places: Places = field(default_factory=Places)
    compatible: Compatible = Compatible()


NO_CONFIGURATION = Configuration()
