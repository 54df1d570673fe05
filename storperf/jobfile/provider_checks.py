"""Checks of `provider`, and of what the other keys need of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath

from storperf.jobfile.faults import Fault
from storperf.jobfile.models import JobFile
from storperf.jobfile.provider_section import (
    HostSection,
    HostTargetSection,
    ProviderSection,
)
from storperf.jobfile.target_section import PlaceSection
from storperf.model.stack import EPHEMERAL_AT

OF_SSH = ("inventory", "hosts", "remove_agent")
OF_OTHERS = ("fio_binary", "install_fio")
OF_HEAT = ("stack",)

# How long a lab's machines are held is no matter of a job that others send.
OF_ALL = ("on_lost_agent", "patience", "lease")


def provider_faults(file: JobFile) -> Iterator[Fault]:
    """What is wrong between the provider's keys, and between them and the target."""
    provider = file.provider
    yield from _foreign_keys(provider)
    if provider.fio_binary is not None and provider.install_fio:
        yield Fault(("provider", "install_fio"), "`fio_binary` is brought already; leave one out")
    if provider.kind == "heat":
        yield from _heat_faults(file)
        return
    for key in ("target", "reference"):
        if (place := getattr(file, key)) is not None and place.volume is not None:
            yield Fault((key, "volume"), "is made by the provider `heat` alone")
    if provider.kind == "local":
        return
    if not provider.hosts:
        yield Fault(("provider",), "`kind: ssh` needs `hosts`, or an `inventory` that has some")
    for index, host in enumerate(provider.hosts):
        path = ("provider", "hosts", index)
        for sentence in _host_faults(file, host):
            yield Fault(path, sentence)


def _foreign_keys(provider: ProviderSection) -> Iterator[Fault]:
    """Keys that say something to another provider."""
    keys = {
        "local": ((OF_SSH, "`kind: ssh`"), (OF_OTHERS, "`kind: ssh`"), (OF_HEAT, "`kind: heat`")),
        "ssh": ((OF_HEAT, "`kind: heat`"),),
        "heat": ((OF_SSH, "`kind: ssh`"),),
    }
    for names, owner in keys[provider.kind]:
        for key in names:
            if key in provider.model_fields_set:
                yield Fault(("provider", key), f"belongs to {owner}")


def _is_elsewhere(directory: str | None) -> bool:
    """Whether a directory would be on another device than the one that `ephemeral` makes."""
    if directory is None:
        return False
    return not PurePosixPath(normpath(directory)).is_relative_to(EPHEMERAL_AT)


def _heat_faults(file: JobFile) -> Iterator[Fault]:
    stack = file.provider.stack
    if stack is None:
        yield Fault(("provider",), "`kind: heat` needs a `stack`: image, flavor and network")
        return
    if (stack.network is None) == (stack.own_network is None):
        yield Fault(("provider", "stack"), "needs exactly one of `network` and `own_network`")
    if stack.own_network is not None:
        for key in ("subnet", "floating"):
            if getattr(stack, key) is not None:
                yield Fault(("provider", "stack", key), "`own_network` decides it; leave it out")
    for key in ("target", "reference"):
        place = getattr(file, key)
        if place is None:
            continue
        if place.device is not None:
            yield Fault((key, "device"), "agents are made for the run; write `volume`")
        elif stack.ephemeral is not None and _is_elsewhere(place.directory):
            yield Fault(
                (key, "directory"),
                f"is not on the device that `ephemeral` makes: write {EPHEMERAL_AT} or a directory "
                "below it, or leave `ephemeral` out",
            )
        elif place.directory is not None and not place.directory.startswith("/"):
            yield Fault((key, "directory"), "must be an absolute path, for it is on the agent")


def _host_faults(file: JobFile, host: HostSection) -> Iterator[str]:
    ways = [name for name in ("key", "password_file", "password_env") if getattr(host, name)]
    if len(ways) > 1:
        yield f"{' and '.join(ways)} exclude each other; leave all but one out"
    yield from _place_faults("target", file.target, host.target)
    if file.reference is not None:
        yield from _place_faults("reference", file.reference, host.reference)
    elif host.reference is not None:
        yield "the job has no `reference`; leave it out"


def _place_faults(
    key: str, of_job: PlaceSection, of_host: HostTargetSection | None
) -> Iterator[str]:
    """What is wrong with the place of the job's `target` or `reference` on a host."""
    wanted = "device" if of_job.device is not None else "directory"
    if of_host is not None and of_job.directory is None and of_job.device is None:
        yield f"the job's {key} is in no place of a host; leave `{key}` out"
        return
    if of_host is None:
        path = of_job.directory
        if path is not None and not path.startswith("/"):
            yield f"the job's {key}.directory must be an absolute path, for it is on the host"
        return
    path = of_host.device if wanted == "device" else of_host.directory
    if path is None or (of_host.directory is not None and of_host.device is not None):
        yield f"its {key} needs `{wanted}` alone, as the job's {key} is one"
    elif not path.startswith("/"):
        yield f"its {key}'s {wanted} must be an absolute path"
    elif wanted == "directory" and of_host.serial is not None:
        yield "a serial belongs to a device"


def agent_faults(file: JobFile) -> Iterator[Fault]:
    """More agents than there are machines."""
    if file.provider.kind == "heat":
        yield from _shared_faults(file)
        return
    is_local = file.provider.kind == "local"
    count = 1 if is_local else len(file.provider.hosts)
    has = "provider.kind local has one agent, this machine"
    if not is_local:
        has = f"provider has {count} host{'' if count == 1 else 's'}"
    for index, wanted in enumerate(file.matrix.agents):
        if wanted > max(count, 1):
            yield Fault(("matrix", "agents", index), has)
            return
    yield from _shared_faults(file)


def _shared_faults(file: JobFile) -> Iterator[Fault]:
    """Several agents on what is one thing for all of them."""
    if file.target.nbd is None and file.target.rbd is None:
        return
    for index, wanted in enumerate(file.matrix.agents):
        if wanted > 1:
            words = "all agents would write to the same blocks of nbd or rbd; use 1"
            yield Fault(("matrix", "agents", index), words)


def untrusted_provider_faults(file: JobFile) -> Iterator[Fault]:
    """An untrusted job file may name no machine, key or program of this one's user."""
    provider = file.provider
    if provider.fio != "fio":
        yield Fault(("provider", "fio"), "an untrusted job file may not choose the program")
    if provider.kind != "local":
        yield Fault(("provider", "kind"), "an untrusted job file may not name machines")
    for key in (*OF_SSH, *OF_OTHERS, *OF_HEAT, *OF_ALL):
        if key in provider.model_fields_set:
            yield Fault(("provider", key), "is not possible in an untrusted job file")
