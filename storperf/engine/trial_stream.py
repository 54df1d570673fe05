"""What one trial sends to Graphite while it goes on: its streams, all of them as one, its marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storperf.engine.records import Record, interval_of, sample_of
from storperf.model.interval import Interval
from storperf.model.job import Job, Op, Step
from storperf.model.run import Run, Trial
from storperf.sinks.entries import Entry, Fold, Points, Slice
from storperf.sinks.everybody import ALL, Everybody
from storperf.sinks.older_paths import COMMIT_MARKER, older_path, older_prefix
from storperf.sinks.paths import LIVE, LoadSeries, RunSeries, StepSeries
from storperf.sinks.points import Point, point_of
from storperf.sinks.seconds import Place, SecondMerger, load_path
from storperf.sinks.series_names import ERRORS


class TrialStream:
    """One trial's records in, entries out; `number` is the trial's in the run, from 1 on."""

    def __init__(  # noqa: PLR0913 - whose, which, and how it is written
        self, run: Run, job: Job, trial: Trial, step: Step, *, number: int, streams: int
    ) -> None:
        self._run = run
        self._job = job
        self._trial = trial
        self._step = step
        self._number = number
        self._place = Place(lab=job.lab, job=job.name, side=trial.side)
        self._is_older = job.graphite is not None and job.graphite.older_layout
        self._merger = SecondMerger(self._place, self._older_path)
        self._paths = {op: load_path(self._place, ALL, ALL, op.value) for op in Op}
        self._everybody = Everybody(streams, self._paths.__getitem__)
        self._marked = 0
        self._seen: dict[tuple[str, int, Op], float] = {}

    def hear(self, agent: str, record: Record, offset_s: float) -> list[Entry]:
        """What a host's record comes to, now or with those before it.

        `offset_s` is what its clock is ahead of the manager's.
        """
        match record["kind"]:
            case "interval":
                interval = interval_of(agent, record, offset_s)
                return [] if interval is None else self._of_interval(interval)
            case "sensors" | "probe":
                sample = sample_of(agent, record, offset_s)
                return [*self._merger.feed_sample(sample)] if sample.trial is not None else []
            case "trial_ended":
                return self._of_end(agent, record)
        return []

    def flush(self) -> list[Entry]:
        """The last second of every stream, and in the older layout the marker that all was sent."""
        entries = self._marked_too(self._merger.flush())
        if self._is_older and self._seen:
            entries.append(Points(fold=Fold.LAST, points=tuple(self._markers())))
        return entries

    # --- in detail -----------------------------------------------------------------------

    def _of_interval(self, interval: Interval) -> list[Entry]:
        self._seen[interval.agent, interval.target, interval.op] = interval.end_s
        slices = (*self._merger.feed(interval), *self._everybody.feed(interval))
        return self._marked_too(slices)

    def _of_end(self, agent: str, record: Record) -> list[Entry]:
        """How many fio jobs of each target ended with an error: fio stops at its first one."""
        points: list[Point] = []
        for target in record["targets"]:
            errors = sum(1 for error in target.get("errors", ()) if error)
            for (name, number, op), end_s in self._seen.items():
                if (name, number) == (agent, target["target"]):
                    series = LoadSeries(
                        **self._place._asdict(),
                        agent=agent,
                        target=f"target-{number}",
                        op=op.value,
                        metric=ERRORS,
                    )
                    points += point_of(series, errors, end_s)
        return [Points(fold=Fold.LAST, points=tuple(points))] if points else []

    def _marked_too(self, entries: Iterable[Entry]) -> list[Entry]:
        """The entries, and for each new second what is measured in it."""
        found = list(entries)
        seconds = {each.second for each in found if isinstance(each, Slice)}
        for second in sorted(second for second in seconds if second > self._marked):
            self._marked = second
            found.append(Points(fold=Fold.LAST, points=tuple(self._marks(second))))
        return found

    def _marks(self, second: int) -> Sequence[Point]:
        lab, job = self._job.lab, self._job.name
        trial = RunSeries(tree=LIVE, lab=lab, job=job, fact="trial")
        started = RunSeries(tree=LIVE, lab=lab, job=job, fact="started_s")
        step = StepSeries(lab=lab, job=job, side=self._trial.side, step=self._trial.step_key)
        return (
            *point_of(trial, self._number, second),
            *point_of(started, int(self._run.created_s), second),
            *point_of(step, self._trial.repeat, second),
        )

    def _markers(self) -> Iterable[Point]:
        for agent, target in sorted({(agent, target) for agent, target, _ in self._seen}):
            prefix = older_prefix(self._job.name, self._step, agent, target)
            second = int(max(self._seen.values()))
            yield Point(f"{prefix}.{COMMIT_MARKER}", second, second)

    def _older_path(self, agent: str, target: int, op: Op) -> str:
        if not self._is_older:
            return ""
        return older_path(older_prefix(self._job.name, self._step, agent, target), op.value)
