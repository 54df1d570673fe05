"""From the results of a job's runs to its figures over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from storperf.errors import UnknownName, UsageError
from storperf.model.baseline import Anchor
from storperf.model.history import Band, HistoryPoint, HistorySeries, JobHistory, LevelChange
from storperf.model.job import Job, Plan
from storperf.model.metric import METRICS
from storperf.model.run import Run
from storperf.model.verdict import Reason
from storperf.plan import baseline_keys
from storperf.reports.step_rows import winner
from storperf.stats.calibration import lab_spreads
from storperf.stats.changes import find_changes
from storperf.stats.comparison import TAIL, bands, baselines
from storperf.stats.repeats import Place, RunValue, run_values
from storperf.store.history_rows import CheckWord, MeasuredRun
from storperf.store.store import Store


def runs_of_job(store: Store, job: str, lab: str | None, limit: int) -> tuple[Run, ...]:
    """The newest runs of a job in one lab, newest first, at least one.

    Without `lab` the one lab in which the job has run; UsageError names them when there are
    several, UnknownName the jobs that there are when this one has no run.
    """
    runs = store.find_runs(job=job, lab=lab, limit=limit)
    if not runs:
        known = sorted({f"{run.job_name} ({run.lab})" for run in store.find_runs()})
        raise UnknownName(
            f"there is no run of a job {job!r}{'' if lab is None else f' in lab {lab}'}; "
            f"there are runs of {', '.join(known) or 'no job at all'}"
        )
    labs = sorted({run.lab for run in runs})
    if len(labs) > 1:
        raise UsageError(f"{job} has run in several labs: name one of {', '.join(labs)}")
    return runs


def next_bands(store: Store, newest: Run, job: Job, plan: Plan) -> dict[Place, Band]:
    """What the next run of the newest run's job and plan would be held against."""
    keys = baseline_keys(job, plan)
    of_keys = store.baselines_values(
        [key for key, _ in keys],
        runs=job.baseline_runs,
        since_s=newest.created_s - job.baseline_age_s,
        metrics=METRICS_OF_HISTORY,
    )
    values = {(key.step, key.side): found for key, found in of_keys.items()}
    known = baselines(values, job.baseline_runs)
    places = [(step, key.side) for key, step in keys]
    return bands(places, known, lab_spreads(places, store.spreads(job.lab)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What a history has of a run: its judged figures by place, and the word on each.

    `places` are those of the plan, in its order, measured or not; `fingerprints` are by step.
    """

    places: tuple[Place, ...]
    values: Mapping[Place, RunValue]
    reasons: Mapping[Place, Reason | None]
    fingerprints: Mapping[str, str]


# The metrics that a history may be of: those that workloads are judged by, and the tail.
METRICS_OF_HISTORY = ("iops", "bandwidth", TAIL)


def figures_of(run: MeasuredRun) -> RunFigures:
    """A run's figures as the reports have them: repeats averaged, rounds that do not count out."""
    values = run_values(run.trials, run.summaries)
    workloads = {step.key: step.workload for step in run.steps}
    places = tuple(
        (key, side, op.value, metric)
        for key, side in run.sides
        for op in workloads[key].ops
        for metric in (workloads[key].judged_metric, TAIL)
    )
    measured = [place for place in places if place in values]
    return RunFigures(
        places=places,
        values={place: values[place] for place in measured},
        reasons={
            place: winner([check.reason for check in run.checks if _is_about(check, place)])
            for place in measured
        },
        fingerprints={step.key: step.fingerprint for step in run.steps},
    )


def job_history(
    runs: Sequence[tuple[Run, RunFigures]],
    known: Mapping[Place, Band],
    anchors: Sequence[Anchor] = (),
) -> JobHistory:
    """The history of one job in one lab; `runs` newest first, at least one.

    Values and outcomes are those of the runs' own reports.  A run that did not measure a
    figure has no point in it.
    """
    newest, of_newest = runs[0]
    # The newest plan's steps come first, then those that only earlier runs had.
    places = dict.fromkeys(place for _, figures in runs for place in figures.places)
    series = [
        _series(place, _points(place, runs, of_newest.fingerprints.get(place[0])), known.get(place))
        for place in places
    ]
    return JobHistory(
        job=newest.job_name,
        lab=newest.lab,
        runs=tuple(run for run, _ in runs),
        series=tuple(each for each in series if each.points),
        anchors=tuple(anchors),
    )


def _series(place: Place, points: tuple[HistoryPoint, ...], band: Band | None) -> HistorySeries:
    step, side, op, metric = place
    return HistorySeries(
        step=step,
        side=side,
        op=op,
        metric=metric,
        unit=METRICS[metric].unit,
        points=points,
        band=band,
        changes=_changes([point for point in points if point.is_comparable]),
    )


def _changes(points: Sequence[HistoryPoint]) -> tuple[LevelChange, ...]:
    found = find_changes(np.array([point.value for point in points]))
    return tuple(
        LevelChange(
            run=points[each.index].run,
            created_s=points[each.index].created_s,
            before=each.before,
            after=each.after,
            change=each.change,
            low=each.low,
            high=each.high,
        )
        for each in found
        if each.change is not None and each.low is not None and each.high is not None
    )


def _points(
    place: Place, runs: Sequence[tuple[Run, RunFigures]], fingerprint: str | None
) -> tuple[HistoryPoint, ...]:
    """The runs that measured a figure, oldest first."""
    points = []
    for run, figures in reversed(runs):
        found = figures.values.get(place)
        if found is None:
            continue
        points.append(
            HistoryPoint(
                run=run.id,
                created_s=run.created_s,
                value=found.value,
                low=found.low,
                high=found.high,
                reason=figures.reasons[place],
                is_comparable=fingerprint in (None, figures.fingerprints.get(place[0])),
            )
        )
    return tuple(points)


def _is_about(check: CheckWord, place: Place) -> bool:
    step, side, op, metric = place
    return (
        (check.step, check.side) == (step, side)
        and check.op in (None, op)
        and check.metric in (None, metric)
    )
