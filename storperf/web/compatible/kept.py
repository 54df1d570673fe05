"""Runs as the compatible API knows them: jobs that it put into the queue, and what it kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storperf.errors import UnknownName
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.result import RunResult
from storperf.run_results import load_result
from storperf.store.store import Store

# The fact of an entry that says it was asked for here.
COMPATIBLE = "compatible"
OPEN = (EntryState.QUEUED, EntryState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptJob:
    """A job by its run's id; one that the native API or the command line ran has no entry.

    `result` is None while it waits, and when it never began.
    """

    id: str
    entry: QueueEntry | None
    result: RunResult | None

    @property
    def said(self) -> Mapping[str, Any]:
        """What its request said, as far as it is given back."""
        return said_by(self.entry)

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        if self.entry is not None:
            return self.entry.state in OPEN
        return self.result is not None and self.result.run.ended_s is None


def said_by(entry: QueueEntry | None) -> Mapping[str, Any]:
    """What a request said that made the entry; nothing when another door made it."""
    found = {} if entry is None else entry.facts.get(COMPATIBLE)
    return found if isinstance(found, dict) else {}


def kept_jobs(store: Store) -> tuple[QueueEntry, ...]:
    """The entries that were asked for here, oldest first."""
    found = [entry for entry in store.queue_entries() if said_by(entry)]
    return tuple(sorted(found, key=lambda entry: entry.submitted_s))


def open_jobs(store: Store) -> tuple[QueueEntry, ...]:
    """Those of them that wait or run."""
    return tuple(entry for entry in store.queue_entries(OPEN) if said_by(entry))


def get_job(store: Store, run_id: str) -> KeptJob:
    """One job by its whole id; UnknownName when there is none."""
    entry = store.queue_entry(run_id)
    try:
        result = load_result(store, run_id)
    except UnknownName:
        if entry is None:
            raise UnknownName(f"ERROR: no job has the id {run_id[:100]}", run=run_id) from None
        result = None
    return KeptJob(id=run_id, entry=entry, result=result)


def latest_initialization(store: Store, place: str, target: str) -> QueueEntry | None:
    """The newest initialization of that target that ended well; None when there was none."""
    for entry in reversed(kept_jobs(store)):
        said = said_by(entry)
        if said.get("place") == place and said.get("target") == target and _has_filled(entry):
            return entry
    return None


def _has_filled(entry: QueueEntry) -> bool:
    """0 to 3: its verdict may be any, but it did what it was asked for."""
    is_one = said_by(entry).get("kind") == "initialization"
    return is_one and entry.state is EntryState.ENDED and entry.exit_code in {0, 1, 3}
