"""What there is to know of the embedded Graphite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramState:
    """One of its programs: `was_started` without a pid means that it crashed."""

    name: str
    pid: int | None
    was_started: bool
    answers: bool
    log: str

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.pid is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteState:
    """What runs, where it listens and what it holds.

    `is_up`: somebody started it and did not stop it; `is_well`: all of it runs and answers.
    Points are those of the last day, None when nobody answers; `used_bytes` is the room that
    `series` files take.
    """

    is_up: bool
    is_well: bool
    host: str
    ports: dict[str, int]
    web: str | None
    programs: tuple[ProgramState, ...]
    series: int
    used_bytes: int
    points_received: int | None
    points_dropped: int | None
    data: str
    logs: str
