"""A run's points of `summary`: each step's figures as they are so far, and how the run ended.

All of them bear the time at which the run was started, so that those of one run can be put
together, and that what is sent again takes the place of what was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storperf.engine.context import RunContext
from storperf.errors import ExitCode
from storperf.model.job import Job
from storperf.model.run import Flag, Run, Steadiness, Summary, Trial, TrialEnd
from storperf.sinks.entries import Entry, Fold, Points
from storperf.sinks.paths import SUMMARY, RunSeries, SummarySeries
from storperf.sinks.points import Point, point_of
from storperf.sinks.series_names import STEADY
from storperf.stats.repeats import run_values

_JUDGED: dict[Steadiness | None, int] = {Steadiness.STEADY: 1, Steadiness.NOT_STEADY: 0}


class RunPoints:
    """What one run leaves for the years."""

    def __init__(self, run: Run, job: Job) -> None:
        self._run = run
        self._job = job
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
        trials = context.store.trials(self._run.id)
        verdict = context.verdict
        facts: dict[str, int] = {
            "exit_code": int(exit_code),
            "started_s": int(self._run.created_s),
            "ended_s": int(ended_s),
            "enters_baseline": int(verdict is not None and verdict.enters_baseline),
            "trials": len(trials),
            "failed_trials": sum(trial.end is TrialEnd.FAILED for trial in trials),
            "faults": len(context.faults),
        }
        if verdict is not None:
            facts["verdict"] = int(verdict.exit_code)
        points: list[Point] = []
        for fact, value in facts.items():
            series = RunSeries(tree=SUMMARY, lab=self._job.lab, job=self._job.name, fact=fact)
            points += point_of(series, value, self._run.created_s)
        points += self._of_steps(trials, context.store.summaries(self._run.id))
        return self._entries(points)

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
        return point_of(series, value, self._run.created_s)

    @staticmethod
    def _entries(points: Sequence[Point]) -> list[Entry]:
        return [Points(fold=Fold.NEVER, points=tuple(points))] if points else []


def _of(trials: Iterable[Trial], step: str, side: str) -> list[Trial]:
    return [each for each in trials if (each.step_key, each.side) == (step, side)]
