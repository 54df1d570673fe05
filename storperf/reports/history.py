"""From the results of a job's runs to its figures over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from storperf.errors import UnknownName, UsageError
from storperf.model.baseline import Anchor
from storperf.model.history import Band, HistoryPoint, HistorySeries, JobHistory, LevelChange
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import Run
from storperf.model.verdict import Check
from storperf.plan import baseline_keys
from storperf.reports.step_rows import StepRow, step_rows, winning_reason
from storperf.stats.calibration import lab_spreads
from storperf.stats.changes import find_changes
from storperf.stats.comparison import TAIL, bands, baselines
from storperf.stats.repeats import Place
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


def next_bands(store: Store, newest: RunResult) -> dict[Place, Band]:
    """What the next run of the newest run's plan would be held against."""
    keys = baseline_keys(newest.job, newest.plan)
    values = {
        (key.step, key.side): store.baseline_values(
            key,
            runs=newest.job.baseline_runs,
            since_s=newest.run.created_s - newest.job.baseline_age_s,
        )
        for key, _ in keys
    }
    known = baselines(values, newest.job.baseline_runs)
    places = [(step, key.side) for key, step in keys]
    return bands(places, known, lab_spreads(places, store.spreads(newest.job.lab)))


def job_history(
    results: Sequence[RunResult], known: Mapping[Place, Band], anchors: Sequence[Anchor] = ()
) -> JobHistory:
    """The history of one job in one lab; `results` newest first, at least one.

    Values and outcomes are those of the runs' own reports.  A run that did not measure a
    figure has no point in it.
    """
    newest = results[0]
    oldest_first = [(result, step_rows(result)) for result in reversed(results)]
    # The newest plan's steps come first, then those that only earlier runs had.
    places = dict.fromkeys(
        (row.step, row.side, row.op, metric)
        for _, rows in reversed(oldest_first)
        for row in rows
        for metric in (row.judged, TAIL)
    )
    series = [
        _series(
            place,
            _points(place, oldest_first, _fingerprint(newest, place[0])),
            known.get(place),
        )
        for place in places
    ]
    return JobHistory(
        job=newest.run.job_name,
        lab=newest.run.lab,
        runs=tuple(result.run for result in results),
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
    place: Place,
    oldest_first: Sequence[tuple[RunResult, tuple[StepRow, ...]]],
    fingerprint: str | None,
) -> tuple[HistoryPoint, ...]:
    step, side, op, metric = place
    points = []
    for result, rows in oldest_first:
        row = next((r for r in rows if (r.step, r.side, r.op) == (step, side, op)), None)
        found = None if row is None else row.values.get(metric)
        if found is None:
            continue
        checks = () if result.verdict is None else result.verdict.checks
        points.append(
            HistoryPoint(
                run=result.run.id,
                created_s=result.run.created_s,
                value=found.value,
                low=found.low,
                high=found.high,
                reason=winning_reason(check for check in checks if _is_about(check, place)),
                is_comparable=fingerprint in (None, _fingerprint(result, step)),
            )
        )
    return tuple(points)


def _is_about(check: Check, place: Place) -> bool:
    step, side, op, metric = place
    return (
        (check.step, check.side) == (step, side)
        and check.op in (None, op)
        and check.metric in (None, metric)
    )


def _fingerprint(result: RunResult, key: str) -> str | None:
    return next((step.fingerprint for step in result.plan.steps if step.key == key), None)
