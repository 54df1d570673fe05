"""Hosts that a request names itself: vouched for by their keys, looked at, then measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storperf.engine.host_check import check_hosts
from storperf.errors import AgentLost, UsageError
from storperf.model.host import HostCheck, HostTarget, SshHost
from storperf.queueing.lent_secrets import Lent
from storperf.remote.host_keys import fingerprint_of_line
from storperf.remote.shown_key import known_key, shown_key
from storperf.settings import Settings
from storperf.store.store import Store
from storperf.web.compatible.allowed import Allowed
from storperf.web.compatible.asked import FileSystemAsked, Login
from storperf.web.compatible.hosts import HostAddress, refuse_outsiders
from storperf.web.compatible.job_text import Place, with_file_system

_ROOT = "root"


def place_on_hosts(  # noqa: PLR0913, PLR0917 - what a place is made of
    settings: Settings,
    keys: Mapping[HostAddress, str],
    login: Login,
    lent: Lent,
    target: str,
    file_system: FileSystemAsked | None,
) -> Place:
    """The place on these hosts; UsageError when one of them cannot be measured on.

    A device's serial is asked of each host now: a device may have another name tomorrow.
    """
    path = target if file_system is None else file_system.device
    if not path.startswith("/"):
        raise UsageError(f"ERROR: {path} is on the hosts, so it must be an absolute path")
    is_device = path.startswith("/dev/")
    if file_system is not None and not is_device:
        raise UsageError(f"ERROR: mkfs needs a device as mount_device, not {path}")
    entries = [_entry(host, keys[host], login, lent, as_root=is_device) for host in login.addresses]
    found = check_hosts(
        [SshHost(**each, target=HostTarget(path=path)) for each in entries], settings
    )
    _refuse_faults(found)
    section: dict[str, Any] = {"directory": path}
    if is_device:
        serials = [_serial(each, path) for each in found]
        section = {"device": path, "serial": serials[0], "destroy": True}
        for entry, serial in zip(entries, serials, strict=True):
            entry["target"] = {"device": path, "serial": serial}
    if file_system is not None:
        section = dict(with_file_system(section, file_system))
    return Place(
        key="hosts " + " ".join(host.known_as for host in login.addresses),
        provider={"kind": "ssh", "hosts": entries},
        target=section,
        agents=len(entries),
        told={"username": login.user, "slave_addresses": [h.known_as for h in login.addresses]},
    )


def vouched_keys(
    store: Store, allowed: Allowed, hosts: Sequence[HostAddress]
) -> Mapping[HostAddress, str]:
    """The key of each host, pinned by an admin or in the server's known_hosts.

    Else UsageError with the fingerprint of what it shows.  Nobody is asked for it outside the
    networks whose hosts requests may name.
    """
    refuse_outsiders(hosts, allowed.networks)
    pins = store.pinned_hosts()
    found = {
        host: pins.get(host.known_as) or known_key(host.known_as, allowed.known_hosts)
        for host in hosts
    }
    unknown = [_explained(host) for host, key in found.items() if key is None]
    if unknown:
        raise UsageError("ERROR: " + "; ".join(unknown))
    return {host: key for host, key in found.items() if key is not None}


def _explained(host: HostAddress) -> str:
    try:
        line = shown_key(host.address, host.port)
    except AgentLost as error:
        return error.message
    return (
        f"nobody vouches for the host key of {host.known_as}. It shows {line.split()[0]} "
        f"{fingerprint_of_line(line)}; compare that with what the host says of itself "
        "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, on its console). If it is the same, "
        "add it to a file of the server's compatible.known_hosts, or let an admin pin it: "
        f'POST /api/v3/host-pins {{"host": "{host.known_as}", "key": "{line}"}}'
    )


def _entry(
    host: HostAddress, key: str, login: Login, lent: Lent, *, as_root: bool
) -> dict[str, Any]:
    """The host in a job file; the earlier StorPerf went to devices by sudo, as we do."""
    entry: dict[str, Any] = {
        "address": host.address,
        "port": host.port,
        "user": login.user,
        "host_key": key,
        "sudo": as_root and login.user != _ROOT,
    }
    if lent.key is not None:
        entry["key"] = str(lent.key)
    if lent.password_file is not None:
        entry["password_file"] = str(lent.password_file)
    return entry


def _refuse_faults(found: Sequence[HostCheck]) -> None:
    faults = [each.fault for each in found if each.fault is not None]
    faults += [f"{each.host}: {lack}" for each in found for lack in each.lacks]
    if faults:
        raise UsageError("ERROR: " + "; ".join(faults))


def _serial(found: HostCheck, path: str) -> str:
    for target in found.facts.get("targets", ()):
        for serial in target.get("serials", ()):
            return str(serial)
    raise UsageError(f"ERROR: {path} of {found.host} has no serial number to know it by")
