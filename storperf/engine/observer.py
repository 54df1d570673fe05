"""One host that is watched and runs no fio: whatever happens to it, the run does not wait."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from typing import Any

from storperf.deadline import Deadline
from storperf.engine.agents import Agent
from storperf.engine.clocks import ClockOffset, measure_offset
from storperf.engine.records import Record
from storperf.errors import StorperfError

log = logging.getLogger(__name__)

_HEAR_S = 0.2
_FIO = "fio"  # asked for with the host's facts; whether it is there does not matter
_LAST_WORDS_S = 5.0
_GIVE_BACK_S = 20.0
_LAST_TRY_S = 3.0
_LONGEST_PAUSE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What a host is to be sampled for; `probes` are those of the command `watch`."""

    trial: str
    attempt: int
    sensors_every_s: float
    processes: tuple[str, ...]
    probes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one thing that was done with the host."""

    watched: Watching | None
    records: tuple[Record, ...] = ()
    offset: ClockOffset | None = None
    host_facts: dict[str, Any] | None = None


class Observer:
    """Drives the agent of one observed host.

    Everything that may block happens in a thread of its own, one thing at a time; `turn`, called
    by the run's thread, takes what came of it and begins the next.  A host that is lost is sought
    again and again, with growing pauses; `fault` is then why.
    """

    def __init__(self, agent: Agent, epoch: Callable[[], float]) -> None:
        self.agent = agent
        self.name = agent.name
        self.offset: ClockOffset | None = None
        self.fault: StorperfError | None = None
        self.host_facts: dict[str, Any] | None = None
        self.is_attached = False
        self._epoch = epoch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=agent.name)
        self._doing: Future[_Outcome] | None = None
        self._wanted: Watching | None = None
        self._latest: Watching | None = None
        self._watched: Watching | None = None
        self._seen = 0
        self._losses = 0
        self._again = Deadline.after(0)

    @property
    def is_settled(self) -> bool:
        """Whether it is watched as wanted, or cannot be now."""
        return not self.is_attached or self._watched == self._wanted

    def want(self, watching: Watching | None) -> None:
        """Say what it is to be sampled for; None is nothing.  The turns see to it."""
        self._wanted = watching
        self._latest = watching or self._latest

    def turn(self) -> Sequence[Record]:
        """What came since the last turn.  Never waits, and raises nothing for the host's sake."""
        if self._doing is not None and not self._doing.done():
            return ()
        found = () if self._doing is None else self._take(self._doing)
        self._doing = self._next()
        return found

    def wait(self, seconds: float) -> None:
        """Wait until what goes on in its thread is done, at most that long."""
        if self._doing is not None:
            wait([self._doing], timeout=seconds)

    def _next(self) -> Future[_Outcome] | None:
        watched, wanted = self._watched, self._wanted
        if not self.is_attached:
            latest = self._latest
            return self._thread.submit(self._attach, latest) if self._again.is_over else None
        if wanted is not None and watched != wanted:
            return self._thread.submit(self._watch, wanted)
        if watched is not None and wanted is None:
            return self._thread.submit(self._unwatch, watched)
        return None if watched is None else self._thread.submit(self._hear, watched)

    def _take(self, done: Future[_Outcome]) -> Sequence[Record]:
        try:
            outcome = done.result()
        except StorperfError as error:
            log.warning("%s is lost: %s", self.name, error)
            self.fault, self.is_attached, self._watched = error, False, None
            # A connection that was reset is there again at once; a host that is off is not.
            pause_s = min(2.0**self._losses, _LONGEST_PAUSE_S) if self._losses else 0.0
            self._again = Deadline.after(pause_s)
            self._losses += 1
            return ()
        self.fault, self.is_attached, self._losses = None, True, 0
        self._watched = outcome.watched
        self.offset = outcome.offset or self.offset
        self.host_facts = outcome.host_facts or self.host_facts
        fresh = [record for record in outcome.records if record["n"] > self._seen]
        self._seen = max([self._seen, *(record["n"] for record in fresh)])
        return fresh

    # --- in its own thread -------------------------------------------------------------

    def _attach(self, latest: Watching | None) -> _Outcome:
        self.agent.attach()
        facts = self.agent.call("probe", fio=_FIO)["host"]
        if latest is None:
            return _Outcome(watched=None, host_facts=facts)
        # What a broken channel had delivered and nobody had taken is in the journal's copy.
        missed = tuple(self.agent.journal.since(latest.trial, latest.attempt))
        return _Outcome(watched=None, records=missed, host_facts=facts)

    def _watch(self, wanted: Watching) -> _Outcome:
        offset = measure_offset(self.agent, self._epoch)
        self.agent.call("watch", **asdict(wanted))
        return _Outcome(watched=wanted, offset=offset)

    def _unwatch(self, watched: Watching) -> _Outcome:
        self.agent.call("unwatch", trial=watched.trial, attempt=watched.attempt)
        found: list[Record] = []
        patience = Deadline.after(_LAST_WORDS_S)
        while not patience.is_over and not _has_ended(found, watched):
            found += self.agent.records(_HEAR_S)
        return _Outcome(watched=None, records=tuple(found))

    def _hear(self, watched: Watching) -> _Outcome:
        return _Outcome(watched=watched, records=tuple(self.agent.records(_HEAR_S)))

    # --- the end -----------------------------------------------------------------------

    def give_back(self) -> list[str]:
        """End the agent and leave the host; what is left there.  Takes a bounded time."""
        left = [f"{self.name}: not reached; its agent ends by itself, its folder goes in 7 days"]
        try:
            if self.agent.was_reached:
                asked = self._thread.submit(self._forget, is_attached=self.is_attached)
                left = asked.result(_GIVE_BACK_S if self.is_attached else _LAST_TRY_S)
            else:
                left = []
        except (StorperfError, TimeoutError) as error:
            log.warning("%s is not given back: %s", self.name, error)
        self.agent.leave()
        self._thread.shutdown(wait=False, cancel_futures=True)
        return left

    def _forget(self, *, is_attached: bool) -> list[str]:
        if not is_attached:
            self.agent.attach_deaf()
        left = self.agent.release()
        return left + self.agent.forget(keep=bool(left))


def _has_ended(records: Sequence[Record], watched: Watching) -> bool:
    return any(
        record["kind"] == "watch_ended" and record["trial"] == watched.trial for record in records
    )
