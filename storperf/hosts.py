"""The use cases around machines that exist already, beside those of service.py."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from storperf.engine.host_check import check_hosts
from storperf.engine.job_files import place_hosts
from storperf.errors import UsageError
from storperf.jobfile.faults import nearest
from storperf.jobfile.inventory import parse_inventory
from storperf.model.host import HostCheck, SshHost
from storperf.settings import Settings

_MOST_BYTES = 1 << 20


def check(
    settings: Settings, names: Sequence[str], inventory: Path | None
) -> tuple[HostCheck, ...]:
    """What hosts have to measure with.

    A name is an address (`user@address` too), or with an inventory one of its entries; without
    names all of those are meant.
    """
    if inventory is not None:
        return check_hosts(_chosen(_load(settings, inventory), names, inventory), settings)
    if not names:
        raise UsageError("name at least one host, or an inventory with --inventory")
    return check_hosts([_plain(name) for name in names], settings)


def check_provider(settings: Settings, name: str, meaning: object) -> tuple[HostCheck, ...]:
    """The same for the hosts of a provider that a server's configuration names.

    `meaning` is the provider as a job file says it; UsageError when it names no hosts.
    """
    hosts = meaning.get("hosts") if isinstance(meaning, dict) else None
    if not hosts:
        raise UsageError(f"provider {name} has no hosts of its own that could be looked at")
    text = json.dumps({"hosts": hosts})
    return check_hosts(
        place_hosts(parse_inventory(text, f"provider {name}"), settings.directory), settings
    )


def _load(settings: Settings, path: Path) -> tuple[SshHost, ...]:
    try:
        with path.open("rb") as source:
            content = source.read(_MOST_BYTES + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the inventory {path}: {error}") from error
    return place_hosts(parse_inventory(text, str(path)), settings.directory)


def _chosen(hosts: Sequence[SshHost], names: Sequence[str], path: Path) -> list[SshHost]:
    if not names:
        return list(hosts)
    known = {name: host for host in hosts for name in (host.address, host.name) if name}
    unknown = [name for name in names if name not in known]
    if unknown:
        near = nearest(unknown[0], known)
        raise UsageError(f"{path} has no host {', '.join(map(repr, unknown))}; {near}")
    return [known[name] for name in names]


def _plain(name: str) -> SshHost:
    user, sign, address = name.rpartition("@")
    (host,) = parse_inventory(f"hosts: [{{address: '{_quoted(address)}'}}]", repr(name))
    return replace(host, user=user) if sign else host


def _quoted(text: str) -> str:
    return text.replace("'", "''")
