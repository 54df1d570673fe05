"""Which runs of the queue may begin now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storperf.model.queued import QueueEntry


def startable(
    waiting: Sequence[QueueEntry], running: Iterable[QueueEntry], *, at_once: int, now_s: float
) -> tuple[QueueEntry, ...]:
    """Those of `waiting` that may begin, in its order; at most `at_once` run then.

    Two that share a resource never overlap.  One that waits for a resource keeps it from all
    behind it: else many small runs would hold up a large one for ever.
    """
    going = list(running)
    taken = {name for entry in going for name in entry.resources}
    free = at_once - len(going)
    chosen: list[QueueEntry] = []
    for entry in waiting:
        if entry.not_before_s is not None and entry.not_before_s > now_s:
            continue
        if len(chosen) < free and taken.isdisjoint(entry.resources):
            chosen.append(entry)
        taken.update(entry.resources)
    return tuple(chosen)


def blockers(entry: QueueEntry, others: Iterable[QueueEntry]) -> tuple[QueueEntry, ...]:
    """Those of `others` that an entry has to wait for because they share a resource."""
    wanted = set(entry.resources)
    return tuple(
        each
        for each in others
        if each.run_id != entry.run_id and not wanted.isdisjoint(each.resources)
    )
