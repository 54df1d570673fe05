"""Starts what waits in the queue, and sees to it that what was started ends."""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from storperf.engine.ownership import is_owned
from storperf.errors import StorperfError
from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing.children import Child, last_words, start_child
from storperf.queueing.choosing import startable
from storperf.queueing.entries import find_run, is_cancelled_early, refuse, settle
from storperf.queueing.locks import has_child, take_child_lock
from storperf.queueing.scheduling import NOT_AFTER, fire_due
from storperf.settings import Settings
from storperf.store.store import Store

log = logging.getLogger(__name__)

RUNS_AT_ONCE = 4
# How soon a run is seen that another process put into the queue.
_EVERY_S = 1.0
# A child that dies before its run has begun is started so often; one that dies later, too:
# each time the run goes on where it stood.
_MOST_STARTS = 3
_MOST_RESUMES = 5
_GOING = (EntryState.RUNNING,)
_WAITING = (EntryState.QUEUED,)


class Dispatcher:
    """One server's queue, worked in one thread; see docs/adr/0017.

    Nothing that must outlive the server is kept here: who runs is in the store and in locks.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        at_once: int = RUNS_AT_ONCE,
        epoch: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._store = store
        self._at_once = at_once
        self._epoch = epoch
        self._chance = chance
        self._children: dict[str, Child] = {}
        self._starts: Counter[str] = Counter()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._is_stopping = False

    def wake(self) -> None:
        """Look at the queue now; any thread may call it."""
        os.eventfd_write(self._wake_fd, 1)

    def work(self) -> None:
        """Look and wait, until `stop`."""
        trouble = ""
        while not self._is_stopping:
            try:
                self.look()
            except StorperfError as error:
                # The store is away for a while; what runs goes on without us.
                if error.message != trouble:
                    log.warning("the queue stands still: %s", error.message)
                trouble = error.message
            else:
                if trouble:
                    log.warning("the queue goes on")
                trouble = ""
            self._wait()

    def stop(self) -> int:
        """Let `work` come back; gives how many runs go on without us."""
        self._is_stopping = True
        self.wake()
        return len(self._store.queue_entries(_GOING))

    def close(self) -> None:
        """Let go of everything; the children go on."""
        for child in self._children.values():
            child.forget()
        os.close(self._wake_fd)

    def look(self) -> None:
        """Settle what has ended, go on with what has died, begin what may.

        What is due by the clock goes into the queue first.
        """
        for entry in self._store.queue_entries(_GOING):
            self._look_at(entry)
        now_s = self._epoch()
        fire_due(self._settings, self._store, now_s, self._chance)
        waiting, going = self._store.queue_entries(_WAITING), self._store.queue_entries(_GOING)
        waiting = tuple(entry for entry in waiting if not self._is_too_late(entry, now_s))
        for entry in startable(waiting, going, at_once=self._at_once, now_s=now_s):
            self._start(entry, _WAITING)

    def _is_too_late(self, entry: QueueEntry, now_s: float) -> bool:
        not_after_s = entry.facts.get(NOT_AFTER)
        if not isinstance(not_after_s, int | float) or now_s < not_after_s:
            return False
        reason = "its window closed before what it uses was free"
        self._store.move_entry(
            entry.run_id, _WAITING, EntryState.REFUSED, ended_s=now_s, reason=reason
        )
        return True

    # --- one entry -----------------------------------------------------------------

    def _look_at(self, entry: QueueEntry) -> None:
        """What became of an entry that was started, by us or by a server before us."""
        run_id = entry.run_id
        child = self._children.get(run_id)
        if child is not None:
            if not child.has_ended:
                return
            child.forget()
            del self._children[run_id]
        if settle(self._store, run_id) is not None:
            return
        folder = self._store.artefacts(run_id)
        if has_child(folder) or is_owned(folder):
            return
        has_begun = find_run(self._store, run_id) is not None
        if not has_begun and is_cancelled_early(self._store, run_id):
            self._store.move_entry(
                run_id,
                _GOING,
                EntryState.CANCELLED,
                ended_s=self._epoch(),
                reason="cancelled before it began",
            )
        elif self._starts[run_id] >= (_MOST_RESUMES if has_begun else _MOST_STARTS):
            self._give_up(run_id, has_begun=has_begun)
        else:
            self._start(entry, _GOING)

    def _start(self, entry: QueueEntry, states: tuple[EntryState, ...]) -> None:
        """Start a child for an entry, if it still is in one of the states and nobody has it."""
        folder = self._store.artefacts(entry.run_id)
        lock_fd = take_child_lock(folder)
        if lock_fd is None:
            return
        try:
            started_s = entry.started_s or self._epoch()
            if self._store.move_entry(
                entry.run_id, states, EntryState.RUNNING, started_s=started_s
            ):
                self._starts[entry.run_id] += 1
                self._children[entry.run_id] = start_child(
                    self._settings, entry.run_id, folder, lock_fd
                )
                log.info("run %s of %s is started", entry.run_id, entry.job_name)
        finally:
            os.close(lock_fd)

    def _give_up(self, run_id: str, *, has_begun: bool) -> None:
        words = last_words(self._store.artefacts(run_id)) or "it said nothing"
        times = self._starts.pop(run_id)
        if not has_begun:
            reason = f"its process died {times} times before the run began: {words}"
            refuse(self._store, run_id, reason)
        else:
            reason = f"its process died {times} times: {words}; `storperf resume` goes on with it"
            self._store.move_entry(
                run_id, _GOING, EntryState.ENDED, ended_s=self._epoch(), exit_code=4, reason=reason
            )
        log.error("run %s: %s", run_id, reason)

    def _wait(self) -> None:
        """Until a child ends, somebody wakes us, or a second has passed."""
        poll = select.poll()
        for fd in (self._wake_fd, *(child.ended_fd for child in self._children.values())):
            poll.register(fd, select.POLLIN)
        poll.poll(_EVERY_S * 1000)
        try:
            os.eventfd_read(self._wake_fd)
        except BlockingIOError:
            return


@contextmanager
def dispatching(settings: Settings, store: Store, *, at_once: int) -> Iterator[Dispatcher]:
    """A dispatcher at work in a thread of its own while inside; the runs outlive it.

    A bug in it ends the server: one that starts nothing would look well.
    """
    dispatcher = Dispatcher(settings, store, at_once=at_once)
    is_over = False

    def end_server(done: Future[None]) -> None:
        if not is_over and done.exception() is not None:
            os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor(1, thread_name_prefix="dispatcher") as pool:
        work = pool.submit(dispatcher.work)
        work.add_done_callback(end_server)
        try:
            yield dispatcher
        finally:
            is_over = True
            going = dispatcher.stop()
            work.result()
            dispatcher.close()
            if going:
                log.warning("%d runs go on without the server; the next one takes them over", going)
