"""Jobs' runs over time, out of an open store; what can no more change is read once."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from storperf.errors import UnknownName, UsageError
from storperf.model.history import Band, JobHistory
from storperf.model.listing import RunSearch
from storperf.model.run import Run, RunState
from storperf.run_results import job_of
from storperf.store.store import Store

if TYPE_CHECKING:
    from storperf.reports.history import RunFigures
    from storperf.stats.repeats import Place

Key = TypeVar("Key")
Value = TypeVar("Value")

# A run of ten steps takes some 10 KiB, a history of 100 runs some 300.
_MOST_RUNS = 2000
_MOST_HISTORIES = 32
# So old may a history be of which a run is still running.
_FRESH_S = 2.0
# So many runs a history shows where nobody says how many.
RUNS_SHOWN = 100
# Among these are the jobs that are asked for first.
_NEWEST_RUNS = 500
# A job, its lab or None for the only one, the most runs.
_Asked = tuple[str, str | None, int]
_Stamp = tuple[int | float | None, ...]


class Kept(Generic[Key, Value]):
    """At least the last `most` values that were put in or asked for, at most twice as many.

    Threads may use one at once: each change is one assignment.  At worst something is forgotten
    that another thread has just put in, and is made again.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._new: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value of a key, None when it is not kept any more."""
        found = self._new.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Key, value: Value) -> None:
        """Keep a value."""
        if len(self._new) >= self._most:
            self._old, self._new = self._new, {}
        self._new[key] = value


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeHistory:
    """A history with who it was made for and what it was made from.

    `made_s` is the machine's monotonic clock; `lab` None is the only one that the job has run in.
    """

    job: str
    lab: str | None
    limit: int
    history: JobHistory
    stamp: _Stamp
    made_s: float


class Histories:
    """Histories of one store, for as many callers as there are.

    One is made at a time; who asks for the same meanwhile waits for it, and who asks for another
    waits for its turn.  Made side by side they would not be ready sooner, for Python runs one
    thread at a time, and whatever else the process does would wait longer for its own.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._figures: Kept[str, RunFigures] = Kept(_MOST_RUNS)
        self._bands: Kept[tuple[object, ...], dict[Place, Band]] = Kept(_MOST_HISTORIES)
        self._made: Kept[_Asked, MadeHistory] = Kept(_MOST_HISTORIES)
        self._making = threading.Lock()

    def of_job(self, job: str, lab: str | None, limit: int) -> JobHistory:
        """The newest runs of a job in one lab, and its judged figures over them.

        UnknownName when it has no run, UsageError when it has run in several labs.
        """
        asked = (job, lab, limit)
        known = self._known(asked, self._store.job_stamp(job, lab))
        if known is not None:
            return known
        with self._making:
            # Whoever held the lock may have made this very one.
            stamp = self._store.job_stamp(job, lab)
            known = self._known(asked, stamp)
            if known is not None:
                return known
            history = self._make(job, lab, limit, stamp)
            self.take(
                MadeHistory(
                    job=job,
                    lab=lab,
                    limit=limit,
                    history=history,
                    stamp=stamp,
                    made_s=time.monotonic(),
                )
            )
            return history

    def take(self, made: MadeHistory) -> None:
        """Keep a history, whoever on this machine has made it."""
        self._made.put((made.job, made.lab, made.limit), made)

    def newest(self) -> Iterator[MadeHistory]:
        """The histories of the jobs that ran last, made one after the other."""
        runs = self._store.search_runs(RunSearch(limit=_NEWEST_RUNS)).runs
        jobs = dict.fromkeys((run.job_name, run.lab) for run in runs)
        labs = Counter(job for job, _ in jobs)
        for job, lab in itertools.islice(jobs, _MOST_HISTORIES):
            # Long ago it may have run in another lab, too.
            for only in (lab,) if labs[job] > 1 else (None, lab):
                with suppress(UsageError, UnknownName):
                    self.of_job(job, only, RUNS_SHOWN)
                made = self._made.get((job, only, RUNS_SHOWN))
                if made is not None:
                    yield made
                    break

    def _known(self, asked: _Asked, stamp: _Stamp) -> JobHistory | None:
        """The history that was made before, while nothing has changed since."""
        job, lab, limit = asked
        _, running, *_ = stamp
        for whose in (asked, (job, None, limit)):
            known = self._made.get(whose)
            if known is None or known.stamp != stamp or lab not in {None, known.history.lab}:
                continue
            if not running or time.monotonic() - known.made_s < _FRESH_S:
                return known.history
        return None

    def _make(self, job: str, lab: str | None, limit: int, stamp: _Stamp) -> JobHistory:
        # numpy and scipy are heavy: most commands do without.
        from storperf.reports.history import job_history, runs_of_job

        runs = runs_of_job(self._store, job, lab, limit)
        figures = self._figures_of(runs)
        # A run that was deleted meanwhile has none.
        runs = tuple(run for run in runs if run.id in figures)
        if not runs:
            raise UnknownName(f"the runs of job {job} were deleted just now")
        anchors = self._store.anchors(runs[0].lab, runs[0].job_name)
        return job_history(
            [(run, figures[run.id]) for run in runs], self._bands_of(runs[0], stamp), anchors
        )

    def _figures_of(self, runs: Sequence[Run]) -> dict[str, RunFigures]:
        """The figures of each run; those of a run that has ended are read once."""
        from storperf.reports.history import METRICS_OF_HISTORY, figures_of

        found = {run.id: known for run in runs if (known := self._figures.get(run.id)) is not None}
        missing = [run.id for run in runs if run.id not in found]
        measured = self._store.measured_runs(missing, METRICS_OF_HISTORY)
        ended = {run.id for run in runs if run.state is not RunState.RUNNING}
        for run_id, each in measured.items():
            found[run_id] = figures_of(each)
            if run_id in ended:
                self._figures.put(run_id, found[run_id])
        return found

    def _bands_of(self, newest: Run, stamp: _Stamp) -> dict[Place, Band]:
        """The bands behind the newest run; only a baseline or a calibration changes them."""
        from storperf.reports.history import next_bands

        _, _, _, _, *written = stamp
        key = (newest.id, *written)
        known = self._bands.get(key)
        if known is None:
            plan = self._store.plan(newest.id)
            known = next_bands(self._store, newest, job_of(newest, plan), plan)
            self._bands.put(key, known)
        return known
