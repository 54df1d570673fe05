"""What the compatible API calls a configuration: where its jobs run until it is deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ConfigurationState(StrEnum):
    """How far a configuration is."""

    CREATING = "creating"
    CREATED = "created"
    FAILED = "failed"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """One of them, by its stack's name.

    `parameters` are what the request said, `facts` what became of it (its stack's id, the run
    that made it).  `changed_s` is in epoch seconds.
    """

    name: str
    parameters: Mapping[str, object]
    state: ConfigurationState
    changed_s: float
    reason: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
