"""What the queue holds, as people and programs look at it."""

from __future__ import annotations

from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing.choosing import blockers
from storperf.store.store import Store

OPEN = (EntryState.RUNNING, EntryState.QUEUED)


def listed(store: Store, *, every: bool = False) -> tuple[QueueEntry, ...]:
    """What runs, then what waits in the order in which it begins; with `every` the ended last.

    Those that have ended are sorted by the time of their end, the newest first.
    """
    found = store.queue_entries() if every else store.queue_entries(OPEN)
    going = [entry for entry in found if entry.state is EntryState.RUNNING]
    waiting = [entry for entry in found if entry.state is EntryState.QUEUED]
    ended = [entry for entry in found if entry.state not in OPEN]
    ended.sort(key=lambda entry: entry.ended_s or 0.0, reverse=True)
    return (*going, *waiting, *ended)


def waits_for(store: Store, entry: QueueEntry) -> tuple[str, ...]:
    """The runs before it that share a resource with it; empty when it does not wait."""
    if entry.state is not EntryState.QUEUED:
        return ()
    before = []
    for each in listed(store):
        if each.run_id == entry.run_id:
            break
        before.append(each)
    return tuple(each.run_id for each in blockers(entry, before))
