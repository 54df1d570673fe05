"""An earlier run out of what a Graphite still has of it: its trials and figures, or why not.

Seconds give rates, means and the largest latency again.  A percentile of seconds is no percentile
of the trial: those are taken from the run's own summary points, or refused.  Points that a
Graphite has thinned to coarser ones give mean rates, each standing for equally many seconds;
means of latency would need the I/Os of each second as weights, which are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from storperf.imports.earlier import (
    EarlierRun,
    EarlierTrial,
    ExtractedFigure,
    Extraction,
    FigureSource,
)
from storperf.model.ending import EndRule
from storperf.model.job import Job, Op, Plan, PlannedTrial, Step
from storperf.model.metric import METRICS
from storperf.model.run import Steadiness, Summary, Trial, TrialEnd, TrialState
from storperf.stats.rebuilt import Streams, coverage, grid_limit, largest, rebuilt_table
from storperf.stats.series import summed_series
from storperf.stats.summary import ALL, TrialSummary, summarise_trial
from storperf.stats.table import IntervalTable

_RATES = ("iops", "bandwidth")
_FEWEST_COARSE = 3
# What a point's value and the length of its interval are known to, beside the grid itself.
_SLACK = 0.01
# A trial that ended sooner than this share of its time was ended by its rule.
_BEFORE_DEADLINE = 0.98
_ENDS = {
    EndRule.STEADY: TrialEnd.STEADY,
    EndRule.CONFIDENT: TrialEnd.CONFIDENT,
    EndRule.STORPERF: TrialEnd.STORPERF_RULE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rebuilt:
    """A trial's figures from its points; `source` is None when there are none, for `reason`."""

    source: FigureSource | None
    reason: str = ""
    table: IntervalTable | None = None
    summary: TrialSummary | None = None
    summaries: tuple[Summary, ...] = ()
    limits: Mapping[str, float] | None = None


def extract_run(run: EarlierRun, job: Job, plan: Plan) -> Extraction:
    """The trials of the plan that the run still has figures of; no others are in its plan."""
    trials: list[Trial] = []
    summaries: list[Summary] = []
    tables: dict[str, IntervalTable] = {}
    figures: list[ExtractedFigure] = []
    refused: list[str] = []
    for planned in plan.trials:
        step = plan.step(planned.step_key)
        rebuilt = _rebuild(run, job, step, planned)
        repeats = sum(
            (each.step_key, each.side) == (planned.step_key, planned.side) for each in plan.trials
        )
        found, missing = _figures(run, step, planned, rebuilt, repeats)
        refused += missing
        if not _is_judgeable(step, found):
            continue
        trials.append(_trial(run, job, step, planned, rebuilt))
        figures += found
        summaries += _summaries(found, rebuilt)
        if rebuilt.table is not None:
            tables[planned.id] = rebuilt.table
    kept = {trial.id for trial in trials}
    return Extraction(
        plan=Plan(
            steps=tuple(s for s in plan.steps if any(t.step_key == s.key for t in trials)),
            trials=tuple(planned for planned in plan.trials if planned.id in kept),
        ),
        trials=tuple(trials),
        summaries=tuple(summaries),
        tables=tables,
        figures=tuple(figures),
        refused=tuple(dict.fromkeys(refused)),
    )


def _rebuild(run: EarlierRun, job: Job, step: Step, planned: PlannedTrial) -> _Rebuilt:
    place = (planned.step_key, planned.side, planned.repeat)
    earlier = next(
        (each for each in run.trials if (each.step_key, each.side, each.repeat) == place), None
    )
    if earlier is None:
        return _Rebuilt(source=None, reason="Graphite has no seconds of it any more")
    streams = _streams_of(run, step, earlier)
    length_s = max(1.0, job.interval_s)
    if earlier.resolution_s > length_s:
        return _rebuild_thinned(streams, job, step, planned, earlier)
    whole = round(job.ending.runtime_s / length_s) if not job.ending.rules else None
    covered = coverage(streams, earlier.seconds, length_s, whole or 0)
    if not covered.is_whole:
        reason = f"only {covered.seconds} of its {covered.expected} points are there"
        return _Rebuilt(source=None, reason=reason)
    table = rebuilt_table(streams, earlier.seconds, length_s, whole)
    summary = _summarise(table, job, step, planned, length_s)
    return _Rebuilt(
        source=FigureSource.SECONDS,
        table=table,
        summary=summary,
        summaries=(
            *summary.summaries,
            *_largest(streams, summary, step, planned, earlier, length_s),
        ),
        # The stub of fio's end counts here: the run itself knew how short it was.
        limits=_limits(rebuilt_table(streams, earlier.seconds, length_s), step, length_s),
    )


def _rebuild_thinned(
    streams: Streams, job: Job, step: Step, planned: PlannedTrial, earlier: EarlierTrial
) -> _Rebuilt:
    """Mean rates of what is whole: the first and the last point may hold other trials' seconds."""
    reason = f"its seconds are thinned to points of {earlier.resolution_s} s"
    inner = frozenset(sorted(earlier.seconds)[1:-1])
    length_s = float(earlier.resolution_s)
    if len(inner) < _FEWEST_COARSE or not coverage(streams, inner, length_s).is_whole:
        return _Rebuilt(source=None, reason=f"{reason}, and too few of those are left")
    # A point stands for the seconds that begin with it.
    table = rebuilt_table(streams, inner, length_s)
    summary = _summarise(table, job, step, planned, length_s)
    return _Rebuilt(
        source=FigureSource.THINNED,
        reason=reason,
        table=table,
        summary=summary,
        summaries=tuple(each for each in summary.summaries if each.metric in _RATES),
        limits=_limits(table, step, length_s),
    )


def _summarise(
    table: IntervalTable, job: Job, step: Step, planned: PlannedTrial, length_s: float
) -> TrialSummary:
    return summarise_trial(
        table=table,
        step=step,
        job=replace(job, interval_s=length_s),
        trial_id=planned.id,
        met=_met(job, table),
    )


def _met(job: Job, table: IntervalTable) -> frozenset[EndRule]:
    """The rules that ended a trial, by how long it was: those it has, when it was cut short."""
    if not len(table):
        return frozenset()
    took_s = float(table.end_s.max() - table.start_s.min())
    return job.ending.rules if took_s < _BEFORE_DEADLINE * job.ending.runtime_s else frozenset()


def _largest(  # noqa: PLR0913, PLR0917 - what a trial is
    streams: Streams,
    summary: TrialSummary,
    step: Step,
    planned: PlannedTrial,
    earlier: EarlierTrial,
    length_s: float,
) -> Iterator[Summary]:
    for op in step.workload.ops if summary.window_s is not None else ():
        window_s = summary.window_s or (0.0, 0.0)
        value = largest(streams, op, "clat_max", earlier.seconds, length_s, window_s)
        if value is not None:
            yield Summary(trial=planned.id, agent=ALL, op=op.value, metric="clat_max", value=value)


def _limits(table: IntervalTable, step: Step, length_s: float) -> dict[str, float]:
    return {
        f"{op} {metric}": grid_limit(summed_series(table, op, metric, length_s)[1]) + _SLACK
        for op in step.workload.ops
        for metric in _RATES
    }


def _streams_of(run: EarlierRun, step: Step, earlier: EarlierTrial) -> Streams:
    """The streams that have a point in the trial; a step takes a direction or it does not."""
    return {
        stream: metrics
        for stream, metrics in run.streams.get(earlier.side, {}).items()
        if stream[2] in step.workload.ops
        and not earlier.seconds.isdisjoint(metrics.get("iops", ()))
    }


def _figures(
    run: EarlierRun, step: Step, planned: PlannedTrial, rebuilt: _Rebuilt, repeats: int
) -> tuple[list[ExtractedFigure], list[str]]:
    """The figures over all agents that there are, and sentences on those that there are not."""
    found: list[ExtractedFigure] = []
    refused: list[str] = []
    made = {(each.op, each.metric): each.value for each in rebuilt.summaries if each.agent == ALL}
    for op in step.workload.ops:
        missing = []
        for metric in METRICS:
            own = run.own.get((step.key, planned.side, op.value, metric))
            limit = (rebuilt.limits or {}).get(f"{op} {metric}")
            value, source = made.get((op.value, metric)), rebuilt.source
            if own is not None and value is not None and _is_apart(value, own, limit, repeats):
                refused.append(_disagreement(step, op, metric, value, own))
                value = None
            if own is not None and (value is None or source is FigureSource.THINNED):
                value, source = own, FigureSource.SUMMARY
            if value is None or source is None:
                missing.append(metric)
                continue
            found.append(
                ExtractedFigure(
                    trial=planned.id,
                    step=step.key,
                    side=planned.side,
                    op=op.value,
                    metric=metric,
                    value=value,
                    source=source,
                    own=own,
                    limit=limit,
                )
            )
        refused += _missing(step, planned, op, missing, rebuilt)
    return found, refused


def _is_apart(value: float, own: float, limit: float | None, repeats: int) -> bool:
    """Further than the grid explains; of several repeats the run gave only their mean."""
    return limit is not None and repeats == 1 and abs(value - own) > limit * own


def _disagreement(step: Step, op: Op, metric: str, value: float, own: float) -> str:
    return (
        f"{step.key}: its seconds give a {op} {metric} of {value:.6g}, the run itself said "
        f"{own:.6g}: points are missing, and the run's own figure is taken"
    )


def _missing(
    step: Step, planned: PlannedTrial, op: Op, metrics: list[str], rebuilt: _Rebuilt
) -> Iterator[str]:
    # Without slat there was none to measure; fio's synchronous engines have no other time.
    lost = [metric for metric in metrics if metric != "slat_mean"]
    if not lost:
        return
    why = rebuilt.reason or "a percentile cannot be made of those of seconds"
    yield (
        f"{step.key}, {planned.side}, repeat {planned.repeat}: no {op} {', '.join(lost)}: {why}, "
        "and its own summary is gone"
    )


def _is_judgeable(step: Step, found: list[ExtractedFigure]) -> bool:
    """Whether each direction has the figure that a verdict needs first."""
    have = {each.op for each in found if each.metric == step.workload.judged_metric}
    return all(op.value in have for op in step.workload.ops)


def _trial(
    run: EarlierRun, job: Job, step: Step, planned: PlannedTrial, rebuilt: _Rebuilt
) -> Trial:
    summary, table = rebuilt.summary, rebuilt.table
    steadiness = Steadiness.NOT_JUDGED if summary is None else summary.steadiness
    if summary is None and _own_steady(run, step, planned):
        steadiness = Steadiness.STEADY
    window_s = None if summary is None else summary.window_s
    return Trial(
        id=planned.id,
        step_key=planned.step_key,
        side=planned.side,
        session=planned.session,
        repeat=planned.repeat,
        attempt=1,
        state=TrialState.STORED,
        end=_end(job, table),
        steadiness=steadiness,
        steady_figures=() if summary is None else summary.figures,
        flags=() if summary is None else summary.flags,
        started_s=float(table.start_s.min()) if table is not None else None,
        ended_s=float(table.end_s.max()) if table is not None else None,
        facts={"window_s": window_s, "source": rebuilt.source and rebuilt.source.value},
    )


def _own_steady(run: EarlierRun, step: Step, planned: PlannedTrial) -> bool:
    words = [run.own.get((step.key, planned.side, op.value, "steady")) for op in step.workload.ops]
    return all(word == 1 for word in words)


def _end(job: Job, table: IntervalTable | None) -> TrialEnd:
    if not job.ending.rules or table is None:
        return TrialEnd.COMPLETED
    met = _met(job, table)
    return next((end for rule, end in _ENDS.items() if rule in met), TrialEnd.DEADLINE)


def _summaries(found: list[ExtractedFigure], rebuilt: _Rebuilt) -> Iterator[Summary]:
    """What is stored: the figures that are reported, and those of each agent."""
    made = {(each.op, each.metric): each for each in rebuilt.summaries if each.agent == ALL}
    for figure in found:
        known = made.get((figure.op, figure.metric))
        if known is not None and known.value == figure.value:
            yield known
        else:
            yield Summary(
                trial=figure.trial,
                agent=ALL,
                op=figure.op,
                metric=figure.metric,
                value=figure.value,
            )
    yield from (each for each in rebuilt.summaries if each.agent != ALL)
