"""Looking on while a run goes on, from any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from storperf.engine.live_feed import FEED_FILE
from storperf.engine.live_reading import FeedReader
from storperf.engine.ownership import is_owned
from storperf.model.live import LiveRecord
from storperf.model.run import RunState
from storperf.queueing.entries import entry_of, find_run
from storperf.queueing.looking import OPEN
from storperf.store.store import Store

_EVERY_S = 0.25
# The store is asked less often than the file: most looks find that the run goes on.
_LOOKS_A_STORE_LOOK = 4


def follow(
    store: Store, run_id: str, *, after: int, wait: Callable[[float], bool]
) -> Iterator[tuple[LiveRecord, ...]]:
    """What happens in a run, after the record of that number, until it has ended.

    An empty tuple says that nothing has happened for a moment.  `wait` waits so many seconds and
    says whether to stop (`Cancel.wait`, `Event.wait`).  A run that waits in the queue is waited
    for; one that has ended gives what there is, nothing if it was pruned.
    UnknownName: no such run.
    """
    is_over = has_ended(store, run_id)
    reader = FeedReader(store.artefacts(run_id) / FEED_FILE, after)
    looks = 1
    while True:
        # Asked first, read next: what was written before the end is not missed.
        if looks % _LOOKS_A_STORE_LOOK == 0:
            is_over = has_ended(store, run_id)
        yield tuple(reader.read())
        if is_over or wait(_EVERY_S):
            return
        looks += 1


def has_ended(store: Store, run_id: str) -> bool:
    """Whether nothing more will happen in a run, or in what was asked to become one.

    UnknownName when it is neither.
    """
    found = find_run(store, run_id)
    if found is not None:
        # Its manager tells the end once it is stored.
        return found.state is not RunState.RUNNING and not is_owned(store.artefacts(run_id))
    return entry_of(store, run_id).state not in OPEN
