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


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePlan:
    """The files of one tree of a job's series; `file_bytes` is what each grows to."""

    tree: str
    retentions: str
    files: int
    file_bytes: int

    @property
    def size_bytes(self) -> int:
        """What they take when they are full."""
        return self.files * self.file_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlan:
    """What a job's series take in Graphite, from the first run on and for good.

    `sensors` is how many a host has.
    """

    job: str
    agents: int
    steps: int
    sensors: int
    trees: tuple[TreePlan, ...]

    @property
    def files(self) -> int:
        """All files."""
        return sum(tree.files for tree in self.trees)

    @property
    def size_bytes(self) -> int:
        """What all of them take when they are full."""
        return sum(tree.size_bytes for tree in self.trees)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphiteFinding:
    """What is wrong with a Graphite, and what to change.

    `is_loss`: points are lost without a word; else it cannot be used, or not be looked at.
    """

    what: str
    remedy: str
    is_loss: bool
