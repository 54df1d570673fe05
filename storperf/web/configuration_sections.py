"""The keys of a server's configuration file."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from storperf.jobfile import scalars
from storperf.jobfile.provider_section import ProviderSection
from storperf.jobfile.section import Section, key
from storperf.model.access import Scope
from storperf.units import parse_size
from storperf.web.configuration import Limits, Network

_TEXT = WithJsonSchema({"type": "string"})
_NAME = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./-]{0,99}")
_LIMITS = Limits()


def _listen(value: object) -> tuple[str, int]:
    text = scalars.printable(300)(value)
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or re.fullmatch(r"[0-9]{1,5}", port) is None or int(port) > 65535:
        raise ValueError(f"{text!r} is no HOST:PORT such as 127.0.0.1:5000 or '[::]:5000'")
    return scalars.host(host), int(port)


def _network(value: object) -> Network:
    text = scalars.printable(64)(value)
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no range of addresses such as 10.20.0.0/24") from error


def _origin(value: object) -> str:
    text = scalars.web_address(value).lower()
    if text.count("/") != 2:
        raise ValueError(f"{text!r} is no origin such as https://bench.example.org")
    return text


def _address(value: object) -> str:
    return str(_network(value)) if "/" in str(value) else str(ipaddress.ip_address(str(value)))


def _named(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping of names to what they mean")
    for name in value:
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} cannot be a name: 1 to 100 of A-Z a-z 0-9 _ . / -")
    return value


_Network = Annotated[Network, BeforeValidator(_network), _TEXT]
_Host = Annotated[str, BeforeValidator(scalars.host), _TEXT]
_Folder = Annotated[str, BeforeValidator(scalars.printable(4096)), _TEXT]
_Named = Annotated[dict[str, Any], BeforeValidator(_named)]
_MANY = BeforeValidator(scalars.one_or_more)


class TlsSection(Section):
    """Files of the server's certificate and its key, both PEM."""

    certificate: scalars.FilePath = key("The certificate, with those between it and its root.")
    key: scalars.FilePath = key("Its private key, without a passphrase.")


class NetworkSection(Section):
    """Addresses that need no token."""

    range: _Network = key("The addresses, such as `10.20.0.0/24`.")
    scope: Annotated[Scope, BeforeValidator(scalars.word(*Scope))] = key(
        "What they may do: `read`, `run` or `admin`.", Scope.READ, shown="read"
    )


class LimitsSection(Section):
    """How much one caller may ask for; more is answered with 413 or 429."""

    body: Annotated[int, BeforeValidator(scalars.size(1024, 1 << 30, 1)), _TEXT] = key(
        "The largest request. 4M by default: four times a job file's most.",
        parse_size("4M"),
        shown="4M",
    )
    requests_per_s: Annotated[int, BeforeValidator(scalars.whole(1, 1_000_000))] = key(
        "Requests a second of one caller for long; five seconds of them at once.",
        _LIMITS.requests_per_s,
        shown=_LIMITS.requests_per_s,
    )
    failed_logins: Annotated[int, BeforeValidator(scalars.whole(1, 1_000_000))] = key(
        "Wrong tokens of one address in a minute, until it has to wait.",
        _LIMITS.failed_logins,
        shown=_LIMITS.failed_logins,
    )
    queued_runs: Annotated[int, BeforeValidator(scalars.whole(1, 1_000_000))] = key(
        "Runs that may wait at once.", _LIMITS.queued_runs, shown=_LIMITS.queued_runs
    )
    runs_at_once: Annotated[int, BeforeValidator(scalars.whole(1, 1000))] = key(
        "Runs that may measure at once, each with resources of its own.", 4, shown=4
    )


class CompatibleSection(Section):
    """What requests of the StorPerf-compatible API may do."""

    configurations: Literal["local", "heat"] | None = key(
        "Where configurations are made: `local` is this machine, `heat` a cloud. Without it there "
        "are none.",
        None,
    )
    targets: _Named = key(
        "What old clients' targets mean, such as `/dev/vdb: {directory: /srv/scratch}`.", {}
    )
    stack: dict[str, Any] = key("Keys of `provider.stack` that requests do not know.", {})
    networks: Annotated[tuple[_Network, ...], _MANY] = key(
        "Where the hosts of stackless requests must lie; none without it.", (), shown=[]
    )
    known_hosts: Annotated[tuple[scalars.FilePath, ...], _MANY] = key(
        "Files of host keys, such as `/etc/ssh/ssh_known_hosts`, that vouch for these hosts; an "
        "admin can pin others.",
        (),
        shown=[],
    )


class NamedProviderSection(ProviderSection):
    """A provider as in a job file, and where on its machines requests may name a directory."""

    directories: Annotated[tuple[_Folder, ...], _MANY] = key("Absolute directories.", (), shown=[])


class ServerFile(Section):
    """The whole file; every key has a default."""

    listen: Annotated[tuple[str, int], BeforeValidator(_listen), _TEXT] = key(
        "Address and port. Other machines reach it only when it says so, such as `0.0.0.0:5000`; "
        "then with `tls`, or tokens can be read on the wire.",
        ("127.0.0.1", 5000),
        shown="127.0.0.1:5000",
    )
    socket: scalars.FilePath | None = key(
        "A Unix socket of mode 0600 to listen on instead; tokens are needed there, too.", None
    )
    tls: TlsSection | None = key("Speak HTTPS.", None)
    hosts: Annotated[tuple[_Host, ...], _MANY] = key(
        "Names that clients ask it by, besides addresses, localhost and this machine's name. "
        "Others are refused: else a web page could reach it by a name of its own (DNS rebinding).",
        (),
        shown=[],
    )
    origins: Annotated[tuple[Annotated[str, BeforeValidator(_origin), _TEXT], ...], _MANY] = key(
        "Web pages elsewhere that may send it requests, such as `https://bench.example.org`.",
        (),
        shown=[],
    )
    networks: Annotated[tuple[NetworkSection, ...], _MANY] = key(
        "Addresses that need no token, for clients that can send none. The first that fits counts.",
        (),
        shown=[],
    )
    proxies: Annotated[tuple[Annotated[str, BeforeValidator(_address), _TEXT], ...], _MANY] = key(
        "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. None by "
        "default.",
        (),
        shown=[],
    )
    limits: LimitsSection = key("How much one caller may ask for.", LimitsSection())
    keep_audit: (
        Annotated[float, BeforeValidator(scalars.duration("1d", "36500d")), _TEXT] | None
    ) = key(
        "How long `storperf audit` knows what was asked for, such as `365d`. Without it, for ever.",
        None,
    )
    providers: _Named = key(
        "Providers by name, each as `provider` of a job file, with `directories` below which "
        "requests may name their own. `local` is this machine.",
        {},
    )
    targets: _Named = key("Targets by name, each as `target` of a job file.", {})
    graphites: _Named = key("Graphite servers by name, each as `graphite` of a job file.", {})
    probes: _Named = key("Probes by name, each as an entry of `probes`.", {})
    observed: _Named = key("Observed hosts by name, each as an entry of `observe`.", {})
    compatible: CompatibleSection = key("The StorPerf-compatible API.", CompatibleSection())
