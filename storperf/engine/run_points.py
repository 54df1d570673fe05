"""A run's points of `summary`: each step's figures as they are so far, and how the run ended.

All of them bear one time, which no other run of the job has: those of one run can be put together,
and what is sent again takes the place of what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from storperf.engine.context import RunContext
from storperf.errors import ExitCode
from storperf.model.job import Job
from storperf.model.run import Flag, Run, Steadiness, Summary, Trial, TrialEnd
from storperf.model.verdict import Verdict
from storperf.sinks.entries import Entry, Fold, Points
from storperf.sinks.paths import SUMMARY, RunSeries, SummarySeries
from storperf.sinks.points import Point, point_of
from storperf.sinks.series_names import STEADY
from storperf.stats.repeats import run_values
from storperf.store.store import Store

_JUDGED: dict[Steadiness | None, int] = {Steadiness.STEADY: 1, Steadiness.NOT_STEADY: 0}


class RunPoints:
    """What one run leaves for the years; `at_s` is its time among summaries, epoch seconds."""

    def __init__(self, run: Run, job: Job, at_s: float) -> None:
        self._run = run
        self._job = job
        self._at_s = at_s
        self._ended: dict[tuple[str, str], list[tuple[Trial, Sequence[Summary]]]] = {}

    def of_trial(self, trial: Trial, summaries: Sequence[Summary]) -> list[Entry]:
        """The figures of a trial's step, with those of its repeats that ended before."""
        known = self._ended.setdefault((trial.step_key, trial.side), [])
        known.append((trial, summaries))
        return self._entries(
            self._of_steps([each for each, _ in known], [one for _, some in known for one in some])
        )

    def of_run(self, context: RunContext, exit_code: ExitCode, ended_s: float) -> list[Entry]:
        """All of it, when the run has ended."""
        return self.of_stored(
            context.store.trials(self._run.id),
            context.store.summaries(self._run.id),
            {
                **_words(context.verdict),
                "exit_code": int(exit_code),
                "ended_s": int(ended_s),
                "faults": len(context.faults),
            },
        )

    def of_stored(
        self, trials: Sequence[Trial], summaries: Sequence[Summary], facts: Mapping[str, int]
    ) -> list[Entry]:
        """All of it, from what is stored; `facts` are what trials and run do not say."""
        known = {
            **facts,
            "started_s": int(self._run.created_s),
            "trials": len(trials),
            "failed_trials": sum(trial.end is TrialEnd.FAILED for trial in trials),
        }
        points: list[Point] = []
        for fact, value in known.items():
            series = RunSeries(tree=SUMMARY, lab=self._job.lab, job=self._job.name, fact=fact)
            points += point_of(series, value, self._at_s)
        return self._entries([*points, *self._of_steps(trials, summaries)])

    def of_past(self, store: Store) -> list[Entry]:
        """All of it of a run that ended long ago; how many faults it had is told no more."""
        facts = _words(store.verdict(self._run.id))
        if self._run.exit_code is not None:
            facts["exit_code"] = self._run.exit_code
        if self._run.ended_s is not None:
            facts["ended_s"] = int(self._run.ended_s)
        return self.of_stored(store.trials(self._run.id), store.summaries(self._run.id), facts)

    def _of_steps(self, trials: Sequence[Trial], summaries: Sequence[Summary]) -> list[Point]:
        # Trials that were added to confirm a suspicion are no part of the job's one value, and
        # what only some of the agents did is none.
        counted = [
            trial
            for trial in trials
            if trial.repeat <= self._job.last_repeat and Flag.PARTIAL not in trial.flags
        ]
        points: list[Point] = []
        values = run_values(counted, summaries)
        for (step, side, op, metric), found in values.items():
            points += self._point(step, side, op, metric, found.value)
        ops = {(step, side, op) for step, side, op, _ in values}
        for step, side, op in sorted(ops):
            judged = [_JUDGED.get(each.steadiness, -1) for each in _of(counted, step, side)]
            points += self._point(step, side, op, STEADY, min(judged))
        return points

    def _point(self, step: str, side: str, op: str, metric: str, value: object) -> Iterable[Point]:
        series = SummarySeries(
            lab=self._job.lab, job=self._job.name, side=side, step=step, op=op, metric=metric
        )
        return point_of(series, value, self._at_s)

    @staticmethod
    def _entries(points: Sequence[Point]) -> list[Entry]:
        return [Points(fold=Fold.NEVER, points=tuple(points))] if points else []


def _of(trials: Iterable[Trial], step: str, side: str) -> list[Trial]:
    return [each for each in trials if (each.step_key, each.side) == (step, side)]


def _words(verdict: Verdict | None) -> dict[str, int]:
    if verdict is None:
        return {"enters_baseline": 0}
    return {"enters_baseline": int(verdict.enters_baseline), "verdict": int(verdict.exit_code)}
