"""Runs as a list shows them: what is looked for, and a page of what was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.run import Phase, RunState


class RunOrder(StrEnum):
    """What a list is sorted by; runs that have not ended count as the last to end."""

    CREATED = "created"
    ENDED = "ended"
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSearch:
    """Which runs are wanted; None wants all.  Times are epoch seconds, of the run's creation.

    `text` stands somewhere in id, job or title, in any case.  `until_s` itself is left
    out.  `after` is the `next` of the page before.
    """

    job: str | None = None
    lab: str | None = None
    state: RunState | None = None
    verdict: str | None = None
    from_s: float | None = None
    until_s: float | None = None
    text: str | None = None
    order: RunOrder = RunOrder.CREATED
    is_descending: bool = True
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run without what is long: its job file, its facts, its verdict's checks."""

    id: str
    job_name: str
    lab: str
    title: str | None
    state: RunState
    phase: Phase | None
    created_s: float
    ended_s: float | None
    exit_code: int | None
    verdict: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Runs in the order asked for; `next` asks for the page behind, None when there is none."""

    runs: tuple[RunRow, ...]
    next: str | None
