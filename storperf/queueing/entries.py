"""An entry of the queue and the run that becomes of it."""

from __future__ import annotations

import time

from storperf.errors import UnknownName
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import Run, RunState
from storperf.store.store import Store

# Key of an entry's facts: somebody wants its end before it is a run.
CANCEL = "cancel"


def entry_of(store: Store, run_id: str) -> QueueEntry:
    """The entry of a run; UnknownName when it never was in the queue."""
    found = store.queue_entry(run_id)
    if found is None:
        raise UnknownName(f"no run {run_id} was asked for", run=run_id)
    return found


def find_run(store: Store, run_id: str) -> Run | None:
    """The run of an entry; None until it has begun."""
    try:
        return store.get_run(run_id)
    except UnknownName:
        return None


def is_cancelled_early(store: Store, run_id: str) -> bool:
    """Whether the end of an entry was asked for while it was no run yet."""
    return bool(entry_of(store, run_id).facts.get(CANCEL))


def settle(store: Store, run_id: str) -> Run | None:
    """Tell the queue how a run ended; None when it has not.  A second call changes nothing."""
    found = find_run(store, run_id)
    if found is None or found.state is RunState.RUNNING:
        return None
    is_cancelled = found.state is RunState.CANCELLED
    store.move_entry(
        run_id,
        (EntryState.RUNNING,),
        EntryState.CANCELLED if is_cancelled else EntryState.ENDED,
        ended_s=found.ended_s,
        exit_code=found.exit_code,
        reason=found.reason,
    )
    return found


def refuse(store: Store, run_id: str, reason: str) -> None:
    """The entry becomes no run, and this is why."""
    store.move_entry(
        run_id, (EntryState.RUNNING,), EntryState.REFUSED, ended_s=time.time(), reason=reason
    )
