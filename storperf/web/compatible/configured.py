"""Places of requests that name a stack: this machine, or servers that Heat made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from storperf.errors import UsageError
from storperf.model.configuration import Configuration, ConfigurationState
from storperf.store.store import Store
from storperf.web.compatible.allowed import Allowed
from storperf.web.compatible.asked import DEFAULT_STACK, DEFAULT_TARGET, Asked, FileSystemAsked
from storperf.web.compatible.heat_job import heat_place
from storperf.web.compatible.job_text import Place, with_file_system

FileSystemOf = Callable[[Store, str, str], FileSystemAsked | None]


def find_configuration(store: Store, name: str | None) -> Configuration | None:
    """The configuration of that stack; the last one when the default name is not there."""
    found = store.configurations()
    named = [each for each in found if each.name == (name or DEFAULT_STACK)]
    if not named and name in {None, DEFAULT_STACK}:
        named = list(found[:1])
    return named[0] if named else None


def place_of(store: Store, allowed: Allowed, asked: Asked, file_system_of: FileSystemOf) -> Place:
    """Where a job on a stack runs; UsageError when there is no such stack, or no such target."""
    found = find_configuration(store, asked.stack_name)
    if found is None or found.state is not ConfigurationState.CREATED:
        raise UsageError(f"ERROR: Stack {asked.stack_name} does not exist")
    target = asked.target or DEFAULT_TARGET
    file_system = asked.file_system or file_system_of(store, f"stack {found.name}", target)
    if found.facts.get("kind") == "heat":
        return heat_place(found, target, file_system)
    return _local_place(found, allowed, target, file_system)


def _local_place(
    found: Configuration, allowed: Allowed, target: str, file_system: FileSystemAsked | None
) -> Place:
    name = target if file_system is None else file_system.device
    section = allowed.targets.get(name) or allowed.targets.get(name + "/")
    if section is None:
        known = ", ".join(sorted(allowed.targets)) or "none"
        raise UsageError(f"ERROR: this server has no target {name}; it has {known}")
    place: dict[str, Any] = dict(section)
    if file_system is not None:
        if "device" not in place:
            raise UsageError(f"ERROR: mkfs needs a device; the target {name} is none here")
        place = dict(with_file_system(place, file_system))
    return Place(
        key=f"stack {found.name}",
        provider={"kind": "local"},
        target=place,
        told=dict(found.parameters),
    )
