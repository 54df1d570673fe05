"""Addresses of hosts in a stackless request: which there are, and which may be asked at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storperf.errors import UsageError

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
SSH_PORT = 22
_MOST_HOSTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddress:
    """Where a host's SSH listens: an address, never a name, so that no name server decides."""

    address: str
    port: int = SSH_PORT

    @property
    def known_as(self) -> str:
        """Its name in known_hosts."""
        return self.address if self.port == SSH_PORT else f"[{self.address}]:{self.port}"


def read_addresses(words: Sequence[str]) -> tuple[HostAddress, ...]:
    """The addresses of `ip`, `ip:port`, `v6` and `[v6]:port`; UsageError for any other."""
    if len(words) > _MOST_HOSTS:
        raise UsageError(f"slave_addresses names {len(words)} hosts; at most {_MOST_HOSTS} are")
    found = tuple(map(read_address, words))
    if len(set(found)) != len(found):
        raise UsageError("slave_addresses names a host twice")
    return found


def read_address(word: str) -> HostAddress:
    """One of them."""
    text, port = _split(word)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UsageError(
            f"{word[:60]!r} is no address of a host; write one, with a port as in "
            "10.0.0.5:2222 or [fd00::5]:2222"
        ) from None
    if getattr(address, "scope_id", None) is not None:
        raise UsageError(f"the address {word[:60]!r} has a scope")
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 1 << 16:
        raise UsageError(f"the address {word[:60]!r} has no port of TCP")
    return HostAddress(address=str(address), port=int(port))


def _split(word: str) -> tuple[str, str]:
    if word.startswith("["):
        text, bracket, rest = word[1:].partition("]")
        if not bracket or not (rest == "" or rest.startswith(":")):
            return word, str(SSH_PORT)
        return text, rest.removeprefix(":") if rest else str(SSH_PORT)
    if word.count(":") == 1:
        text, _, port = word.partition(":")
        return text, port
    return word, str(SSH_PORT)


def refuse_outsiders(hosts: Iterable[HostAddress], networks: Sequence[IpNetwork]) -> None:
    """UsageError when a host lies outside the networks whose hosts requests may name.

    Without this any caller could let the server knock at any door of its network.
    """
    outside = [host.address for host in hosts if not _is_in(host, networks)]
    if outside:
        allowed = ", ".join(map(str, networks)) or "none"
        raise UsageError(
            f"ERROR: {', '.join(outside)}: not in the networks whose hosts a request may name "
            f"here ({allowed}); whoever runs the server can add them to its configuration"
        )


def _is_in(host: HostAddress, networks: Sequence[IpNetwork]) -> bool:
    address = ipaddress.ip_address(host.address)
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
