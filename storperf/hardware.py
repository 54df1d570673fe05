"""On what hardware a run measured: figures of another machine or device are no baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What names a field of the hardware beside the measuring fields of a baseline's entry.
_PREFIX = "hardware."
_OF_HOST = ("cpu_model", "cpus")
_OF_TARGET = ("device_model",)
_ENVIRONMENT = "environment."

Fields = tuple[tuple[str, str], ...]


def hardware_of(facts: Mapping[str, Any]) -> Fields:
    """Processors and device models of a run's agents by its facts; what nobody knows is left out.

    Agents that are alike are told once: one host more is no other hardware, but another
    number of agents, which the fingerprint knows.
    """
    found: dict[str, set[str]] = {}
    for name, environment in facts.items():
        if not name.startswith(_ENVIRONMENT) or not isinstance(environment, Mapping):
            continue
        _gather(found, _OF_HOST, [environment.get("host")])
        _gather(found, _OF_TARGET, environment.get("targets") or ())
    return tuple((_PREFIX + field, ", ".join(sorted(found[field]))) for field in sorted(found))


def _gather(found: dict[str, set[str]], fields: Iterable[str], places: Iterable[Any]) -> None:
    for place in places:
        for field in fields:
            if isinstance(place, Mapping) and place.get(field):
                found.setdefault(field, set()).add(str(place[field]))


def is_hardware(name: str) -> bool:
    """Whether a measuring field is one of the hardware, which no fingerprint knows."""
    return name.startswith(_PREFIX)


def is_other(own: Fields, measuring: Fields) -> bool:
    """Whether an entry's measuring fields name other hardware; what one side lacks parts nobody."""
    then = dict(measuring)
    return any(then.get(name, value) != value for name, value in own)
