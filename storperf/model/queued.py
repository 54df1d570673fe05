"""What waits to be run: entries of the queue, schedules, stored job files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EntryState(StrEnum):
    """Where an entry of the queue is in its life."""

    QUEUED = "queued"
    # A child process carries the run out, or did until it was killed.
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"
    # It never became a run: its job file could not be carried out after all.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """A run that was asked for.  It has its run's id from the first moment.

    `job_text` is the whole job file, every name of the server's configuration put in;
    `resources` are what no other run may use meanwhile.  The highest `priority` goes first,
    then the oldest; none before `not_before_s`.  `facts` are plain values: how it is to be run
    (`confirm`, `graphite`), the schedule that made it, what a compatible request said.
    Times are epoch seconds.
    """

    run_id: str
    job_name: str
    lab: str
    title: str | None
    job_text: str
    resources: tuple[str, ...]
    priority: int
    submitted_by: str
    submitted_s: float
    state: EntryState = EntryState.QUEUED
    not_before_s: float | None = None
    started_s: float | None = None
    ended_s: float | None = None
    exit_code: int | None = None
    reason: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """Entries of the queue; `next` asks for the page behind, None when there is none."""

    entries: tuple[QueueEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job that is put into the queue by the clock.

    `rule` is plain JSON values (storperf/queueing/times.py reads it); `next_s` is when it is due.
    `facts` are plain values: how its runs are to be run, as in an entry, and under `note` what
    became of it when it was due last, if no run came of it.
    """

    name: str
    job_text: str
    rule: Mapping[str, object]
    priority: int
    made_by: str
    made_s: float
    is_enabled: bool = True
    next_s: float | None = None
    last_run: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """One version of a job file that the server keeps; versions count from 1."""

    name: str
    version: int
    text: str
    stored_by: str
    stored_s: float
