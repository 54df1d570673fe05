"""Stored runs into a Graphite that has lost them, or has never had them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from pathlib import Path

from storperf.deadline import Deadline
from storperf.engine.run_points import RunPoints
from storperf.errors import Conflict, GraphiteError
from storperf.model.interval import Interval
from storperf.model.run import Run, RunState, Trial
from storperf.run_results import job_of
from storperf.sinks.bulk import send_points
from storperf.sinks.entries import points_of
from storperf.sinks.graphite_series import read_series
from storperf.sinks.graphite_web import GraphiteWeb
from storperf.sinks.past_points import PastTrial, intervals_of
from storperf.sinks.paths import LIVE, SUMMARY, RunSeries, render_path
from storperf.sinks.points import Point
from storperf.stats.series import stream_numbers
from storperf.store.intervals import FEW_ROWS, iter_intervals, read_rows, read_sensors
from storperf.store.store import Store

# Long enough for two points of an archive of ten minutes.
_PROBE_S = 1200
# carbon-cache makes files once a second, and writes what it has within a few.
_VISIBLE_S = 30.0
_POLL_S = 0.5
_AT_ONCE = 200
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOutcome:
    """What became of one run: points sent, and read back.

    `live_s` and `hosts_s` are how many seconds a point of its trials and of its hosts stands for in
    this Graphite, `summary_s` the same of its summary; None is what is too old for it.
    `remarks` say what cannot be held, `lost` which series lack points that should be there.
    """

    run: str
    sent: int
    kept: int
    live_s: int | None
    hosts_s: int | None
    summary_s: int | None
    remarks: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(slots=True)
class _Sent:
    """Seconds of each series that were sent."""

    seconds: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def noting(self, points: Iterable[Point]) -> Iterator[Point]:
        """The same points, remembered."""
        for point in points:
            self.seconds[point.path].add(point.second)
            yield point

    @property
    def count(self) -> int:
        """How many points, each second once."""
        return sum(map(len, self.seconds.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Sends runs of a store to Carbon at `host`:`port`, and reads them back from `web`."""

    store: Store
    web: GraphiteWeb
    host: str
    port: int
    say: Callable[[str], None]

    def add(self, run_text: str) -> BackfillOutcome:
        """Send a run again; Conflict while it goes on, GraphiteError when nobody takes it."""
        run = self.store.resolve(run_text)
        if run.state is RunState.RUNNING:
            raise Conflict(f"run {run.id} goes on; it sends its points itself")
        self.say(f"{run.id}: sending")
        at_s = self.store.take_summary_time(run)
        job = job_of(run, self.store.plan(run.id))
        entries = RunPoints(run, job, at_s).of_past(self.store)
        summary = [point for entry in entries for point in points_of(entry)]
        sent = _Sent()
        summary_s = self._resolution(run, SUMMARY, "started_s", at_s)
        remarks = []
        if summary_s is None:
            remarks.append("its summary is older than this Graphite keeps one")
        else:
            send_points(self.host, self.port, sent.noting(summary))
        live_s, hosts_s, told = self._send_trials(run, sent)
        lost = self._missing(sent, {LIVE: live_s, "host": hosts_s, SUMMARY: summary_s})
        return BackfillOutcome(
            run=run.id,
            sent=sent.count,
            kept=sent.count - sum(lost.values()),
            live_s=live_s,
            hosts_s=hosts_s,
            summary_s=summary_s,
            remarks=(*remarks, *told),
            lost=_named(lost),
        )

    # --- in detail -------------------------------------------------------------------

    def _send_trials(self, run: Run, sent: _Sent) -> tuple[int | None, int | None, tuple[str, ...]]:
        """How coarse the seconds of loads and hosts are here, and what cannot be held."""
        past = [
            PastTrial(run=run, trial=trial, number=number, streams=self._streams(run, trial))
            for number, trial in enumerate(self.store.trials(run.id), start=1)
            if self._path(run, trial).is_file()
        ]
        if not past:
            return None, None, ("its seconds are not in the store any more: the summary alone",)
        first = next(self._load(past[0], 1), None)
        if first is None:
            return None, None, ("it has no seconds: the summary alone",)
        first_s = first.second
        live_s = self._resolution(run, LIVE, "started_s", first_s)
        if live_s is None:
            return None, None, ("its seconds are older than this Graphite keeps any",)
        remarks = [f"its seconds are kept here as points of {live_s} s"] if live_s > 1 else []
        hosts_s: int | None = None
        for each in past:
            send_points(self.host, self.port, sent.noting(self._load(each, live_s)))
            host = self._hosts(each, 1)
            if hosts_s is None and host:
                hosts_s = self._resolution_of(host[0].path, first_s, host[0])
                if hosts_s is None:
                    remarks.append("the figures of its hosts are older than this Graphite keeps")
                elif hosts_s > live_s:
                    remarks.append(f"figures of hosts are kept here as points of {hosts_s} s")
            if hosts_s is not None:
                send_points(self.host, self.port, sent.noting(self._hosts(each, hosts_s)))
        return live_s, hosts_s, tuple(remarks)

    def _load(self, past: PastTrial, step_s: int) -> Iterator[Point]:
        """The points of a trial's streams, and the marks of its seconds."""
        seconds: set[int] = set()
        for point in past.load_points(self._rows(past), step_s):
            seconds.add(point.second)
            yield point
        yield from past.marks(seconds)

    def _hosts(self, past: PastTrial, step_s: int) -> list[Point]:
        path = self._path(past.run, past.trial)
        return list(past.host_points(read_sensors(path, lambda _: True), step_s))

    def _rows(self, past: PastTrial) -> Iterator[Interval]:
        """The intervals of all agents by their ends; the file has them agent by agent."""
        path = self._path(past.run, past.trial)
        agents = next((piece.agents for piece in iter_intervals(path, FEW_ROWS)), ())
        return merge(
            *(self._rows_of(past, path, number) for number in range(len(agents))), key=_end_of
        )

    @staticmethod
    def _rows_of(past: PastTrial, path: Path, agent: int) -> Iterator[Interval]:
        for piece in iter_intervals(path, FEW_ROWS):
            yield from intervals_of(piece.where(piece.agent == agent), past.trial)

    def _streams(self, run: Run, trial: Trial) -> int:
        table = read_rows(self._path(run, trial))
        return int(stream_numbers(table).max(initial=-1)) + 1

    def _path(self, run: Run, trial: Trial) -> Path:
        return self.store.intervals_path(run.id, trial.id, trial.attempt)

    def _resolution(self, run: Run, tree: str, fact: str, at_s: float) -> int | None:
        series = RunSeries(tree=tree, lab=run.lab, job=run.job_name, fact=fact)
        path = render_path(series)
        probe = Point(path, int(run.created_s), int(at_s))
        return self._resolution_of(path, at_s, probe)

    def _resolution_of(self, path: str, at_s: float, probe: Point) -> int | None:
        """Seconds a point of that age in the series' file; None when it holds none so old.

        A point is sent first, because Graphite knows nothing of a file that is not there.
        """
        send_points(self.host, self.port, [probe])
        for _ in self._tries():
            if not any(is_series for _, is_series in self.web.find(path)):
                continue
            # Of a stretch that is older than the whole file nothing is answered.
            for found in self.web.render([path], at_s - _PROBE_S, at_s):
                step_s, first_s = found.resolution_s, found.first_s
                if step_s is not None and first_s is not None and first_s <= at_s:
                    return step_s
            return None
        raise GraphiteError(
            f"Carbon at {self.host}:{self.port} took a point that {self.web.address} does not "
            f"show after {_VISIBLE_S:.0f} s: it is another Graphite's, or makes no new files "
            "(MAX_CREATES_PER_MINUTE)"
        )

    def _missing(self, sent: _Sent, steps: dict[str, int | None]) -> dict[str, int]:
        """How many points of which series cannot be read back."""
        missing = {path: len(seconds) for path, seconds in sent.seconds.items()}
        for _ in self._tries():
            for paths in _some(list(missing)):
                own = [second for path in paths for second in sent.seconds[path]]
                step_s = max((each for each in steps.values() if each is not None), default=1)
                found = read_series(self.web, paths, min(own) - step_s, max(own))
                there = {series.path: series.values for series in found}
                for path in paths:
                    step = _step_of(path, steps)
                    known = there.get(path, {})
                    gone = {s - s % step for s in sent.seconds[path]} - known.keys()
                    missing[path] = len(gone)
                    if not gone:
                        del missing[path]
            if not missing:
                break
        return missing

    @staticmethod
    def _tries() -> Iterator[None]:
        """Again and again until what was sent should be visible."""
        deadline = Deadline.after(_VISIBLE_S)
        pause = threading.Event()
        while True:
            yield
            if deadline.is_over:
                return
            pause.wait(_POLL_S)


def _end_of(interval: Interval) -> float:
    return interval.end_s


def _step_of(path: str, steps: dict[str, int | None]) -> int:
    tree = path.split(".")[1]
    kind = "host" if tree == LIVE and ".host." in path else tree
    return steps[kind] or 1


def _some(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    return (paths[first : first + _AT_ONCE] for first in range(0, len(paths), _AT_ONCE))


def _named(lost: dict[str, int]) -> tuple[str, ...]:
    """The first series that lack points, and how many more there are."""
    named = [f"{path} lacks {count}" for path, count in sorted(lost.items())[:_NAMED]]
    if len(lost) > _NAMED:
        named.append(f"and {len(lost) - _NAMED} more series")
    return tuple(named)
