"""From the results of a job's runs to its figures over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storperf.model.history import Band, HistoryPoint, HistorySeries, JobHistory
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.verdict import Check
from storperf.reports.step_rows import StepRow, step_rows, winning_reason
from storperf.stats.comparison import TAIL
from storperf.stats.repeats import Place


def job_history(results: Sequence[RunResult], bands: Mapping[Place, Band]) -> JobHistory:
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
        HistorySeries(
            step=place[0],
            side=place[1],
            op=place[2],
            metric=place[3],
            unit=METRICS[place[3]].unit,
            points=_points(place, oldest_first, _fingerprint(newest, place[0])),
            band=bands.get(place),
        )
        for place in places
    ]
    return JobHistory(
        job=newest.run.job_name,
        lab=newest.run.lab,
        runs=tuple(result.run for result in results),
        series=tuple(each for each in series if each.points),
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
