"""Whether a request was meant for this server, and comes from a page of its own."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}


def is_change(method: str) -> bool:
    """Whether a request of that method may change something."""
    return method not in {"GET", "HEAD", "OPTIONS"}


def own_names() -> frozenset[str]:
    """What this machine is called, besides localhost and its addresses."""
    name = socket.gethostname().lower()
    return frozenset({name, name.partition(".")[0]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """The names of this server, None for all, and the other origins that may send to it."""

    names: Collection[str] | None
    others: Collection[str]

    def refuses_host(self, host: str) -> bool:
        """Whether a `Host` is somebody else's: a page whose name was pointed at this machine.

        An address passes: to point a name elsewhere one needs a name (DNS rebinding).
        """
        if self.names is None:
            return False
        name, _ = _split(host)
        if name is None:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name != "localhost" and name not in self.names
        return False

    def refuses_page(self, method: str, scheme: str, host: str, headers: dict[str, str]) -> bool:
        """Whether a page of another origin sends a request that may change something."""
        if not is_change(method):
            return False
        origin = headers.get("origin")
        if origin is None:
            # Old browsers send no Origin with a form; what they send instead says as much.
            return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}
        if origin.lower() in self.others:
            return False
        parts = urlsplit(origin.lower())
        if parts.scheme != scheme:
            return True
        return _with_port(parts.netloc, parts.scheme) != _with_port(host.lower(), scheme)


def _with_port(host: str, scheme: str) -> tuple[str | None, int | None]:
    name, port = _split(host)
    return name, port or _PORTS.get(scheme)


def _split(host: str) -> tuple[str | None, int | None]:
    """Name and port of a `Host`; no name when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    if not name or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None, None
    return name.rstrip("."), port
