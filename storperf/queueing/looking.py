"""What the queue holds, as people and programs look at it."""

from __future__ import annotations

from collections.abc import Sequence

from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing.choosing import blockers
from storperf.store.store import Store

OPEN = (EntryState.RUNNING, EntryState.QUEUED)


def listed(store: Store) -> tuple[QueueEntry, ...]:
    """What runs, then what waits in the order in which it begins."""
    found = store.queue_entries(OPEN)
    going = [entry for entry in found if entry.state is EntryState.RUNNING]
    return (*going, *(entry for entry in found if entry.state is EntryState.QUEUED))


def waits_for(
    store: Store, entry: QueueEntry, queue: Sequence[QueueEntry] | None = None
) -> tuple[str, ...]:
    """The runs before it that share a resource with it; empty when it does not wait.

    Who asks for many entries gives what is listed.
    """
    if entry.state is not EntryState.QUEUED:
        return ()
    before = []
    for each in listed(store) if queue is None else queue:
        if each.run_id == entry.run_id:
            break
        before.append(each)
    return tuple(each.run_id for each in blockers(entry, before))
