"""From a trial's intervals to its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from storperf.model.ending import Ending, EndRule, SteadyRule
from storperf.model.job import Job, Op, Step
from storperf.model.run import Flag, Steadiness, SteadyFigures, Summary
from storperf.stats.figures import summaries_of_op
from storperf.stats.histogram import Bins, merge_rows
from storperf.stats.judge_steady import (
    Rounds,
    SteadyJudgement,
    judge_fixed,
    judge_last_window,
    judge_until_steady,
    judge_whole,
)
from storperf.stats.series import (
    common_window,
    rows_between,
    stream_numbers,
    summed_rounds,
    summed_series,
)
from storperf.stats.table import OPS, Floats, IntervalTable

LEAST_OVERLAP = 0.9
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSummary:
    """What a trial says after its warm-up cut.

    `flags` are those that the intervals themselves show: `partial` (an agent is missing, or
    one of its targets had no I/O in a direction) and `low_overlap`; the engine adds its own.
    `missing_ops` are directions of the workload without any I/O: such a trial is no
    measurement of its step.  `window_s` is what was summarised, in epoch seconds.
    """

    summaries: tuple[Summary, ...]
    steadiness: Steadiness
    figures: tuple[SteadyFigures, ...]
    flags: tuple[Flag, ...]
    missing_ops: tuple[Op, ...]
    window_s: tuple[float, float] | None


def summarise_trial(  # noqa: PLR0913 - what a trial is, by keyword
    *,
    table: IntervalTable,
    pieces: Iterable[IntervalTable] | None = None,
    step: Step,
    job: Job,
    trial_id: str,
    met: frozenset[EndRule],
) -> TrialSummary:
    """Figures and steadiness of one trial, for each agent and for `all` of them.

    `table` may lack histograms when `pieces` hold its rows again with them, a few at a time:
    they are gone through once, so that a day needs no more memory than an hour.

    Only the interval common to all agents and targets counts.  A trial of fixed length, and
    one that ran until its mean was known, loses its warm-up (one MSER-5 cut for all
    directions, the latest); one that ran until steady is summarised over the window of rounds
    that ended it.  `met` holds the rules for which the engine stopped it; none when it ran
    to its deadline.  The stored data must agree.  Rates, latencies and percentiles: see
    `figures.py`.
    Nothing is made up: a direction without I/O has no Summary and is in `missing_ops`.
    """
    ops = step.workload.ops
    missing = tuple(op for op in ops if table.ios[table.op == OPS.index(op)].sum() == 0)
    start, end = common_window(table)
    metric = step.workload.judged_metric
    series = {
        op: summed_series(table, op, metric, job.interval_s) for op in ops if op not in missing
    }
    if end <= start or not series:
        return TrialSummary(
            summaries=(),
            steadiness=Steadiness.NOT_JUDGED,
            figures=(),
            flags=_flags(table, step),
            missing_ops=missing,
            window_s=None,
        )
    judged = _judge(table, series, metric, job.ending, met)
    first = start if judged.start_s is None else judged.start_s
    last = end if judged.end_s is None else judged.end_s
    kept = table.where(rows_between(table, first, last))
    histograms = _histograms((table,) if pieces is None else pieces, first, last)
    return TrialSummary(
        summaries=_summaries(kept, histograms, trial_id, job.interval_s),
        steadiness=judged.steadiness,
        figures=judged.figures,
        flags=_flags(table, step),
        missing_ops=missing,
        window_s=(first, last),
    )


def _judge(
    table: IntervalTable,
    series: dict[Op, tuple[Floats, Floats]],
    metric: str,
    ending: Ending,
    met: frozenset[EndRule],
) -> SteadyJudgement:
    if any(len(times) == 0 for times, _ in series.values()):
        return SteadyJudgement(
            steadiness=Steadiness.NOT_JUDGED, figures=(), start_s=None, end_s=None
        )
    rule = _window_rule(ending, met)
    if rule is None:
        return judge_fixed(series, metric)
    start = common_window(table)[0]
    means = {op: summed_rounds(table, op, metric, start, rule.round_s) for op in series}
    rounds = Rounds(start_s=start, means=means)
    if EndRule.CONFIDENT in (met or ending.rules):
        return judge_whole(series, rounds, metric, rule)
    if EndRule.STORPERF in met:
        return judge_last_window(series, rounds, metric, rule)
    return judge_until_steady(series, rounds, metric, rule, ended_by_steady=bool(met))


def _window_rule(ending: Ending, met: frozenset[EndRule]) -> SteadyRule | None:
    """SNIA's rule that the trial has to keep; None when it did not have to become steady.

    Where only the earlier StorPerf's rule was asked for, it is SNIA's with rounds as long as
    that one's samples: the old rule itself proves nothing.
    """
    rules = met or ending.rules
    if EndRule.STEADY in rules:
        return ending.until_steady
    if EndRule.STORPERF in rules and ending.until_storperf is not None:
        return ending.until_steady or SteadyRule(round_s=ending.until_storperf.sample_s)
    return None


def _histograms(
    pieces: Iterable[IntervalTable], first_s: float, last_s: float
) -> dict[tuple[str, Op], Bins]:
    """The merged histogram of what was kept, by agent (and `all` of them) and direction."""
    found: dict[tuple[str, Op], Bins] = {}
    for piece in pieces:
        is_kept = rows_between(piece, first_s, last_s)
        for number, agent in enumerate(piece.agents):
            rows = piece.where(is_kept & (piece.agent == number))
            for op in rows.ops():
                own = rows.of_op(op)
                for name in (ALL, agent):
                    found[name, op] = merge_rows(own, found.get((name, op)))
    return found


def _summaries(
    kept: IntervalTable,
    histograms: Mapping[tuple[str, Op], Bins],
    trial_id: str,
    interval_s: float,
) -> tuple[Summary, ...]:
    parts = [(ALL, kept)]
    parts += [(name, kept.where(kept.agent == i)) for i, name in enumerate(kept.agents)]
    return tuple(
        summary
        for name, rows in parts
        for op in rows.ops()
        for summary in summaries_of_op(
            rows,
            op,
            histograms.get((name, op)),
            trial_id=trial_id,
            agent=name,
            interval_s=interval_s,
        )
    )


def _flags(table: IntervalTable, step: Step) -> tuple[Flag, ...]:
    """What the rows themselves give away."""
    flags = []
    if len(np.unique(table.agent)) < step.agents or _has_silent_stream(table, step):
        flags.append(Flag.PARTIAL)
    start, end = common_window(table)
    if len(table) and end - start < LEAST_OVERLAP * _longest_stream_s(table):
        flags.append(Flag.LOW_OVERLAP)
    return tuple(flags)


def _has_silent_stream(table: IntervalTable, step: Step) -> bool:
    """Whether an agent's target did nothing in a direction in which another one did."""
    stream = stream_numbers(table)
    for op in step.workload.ops:
        rows = table.op == OPS.index(op)
        ios = np.bincount(stream[rows], weights=table.ios[rows], minlength=int(stream.max() + 1))
        if 0 < np.count_nonzero(ios) < len(ios):
            return True
    return False


def _longest_stream_s(table: IntervalTable) -> float:
    stream = stream_numbers(table)
    return max(
        float(table.end_s[stream == number].max() - table.start_s[stream == number].min())
        for number in np.unique(stream)
    )
