"""The job's limits against what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from storperf.model.job import CANDIDATE, Limit, Step
from storperf.model.metric import METRICS
from storperf.model.verdict import WHOLE_RUN, Check, CheckKind, Reason
from storperf.stats.limit_figures import LimitFigure, limit_figures, limited_ops
from storperf.stats.repeats import AgentPlace, Place, RunValue
from storperf.stats.wording import count, figure_name, quantity


def judge_limits(
    limits: Sequence[Limit],
    planned: Sequence[Step],
    usable: Sequence[Step],
    values: Mapping[Place, RunValue],
    of_agents: Mapping[AgentPlace, RunValue] = MappingProxyType({}),
) -> Iterator[Check]:
    """A check for each limit on each step, and each figure of it, that it speaks of.

    `planned` are all steps, `usable` those whose trials passed the gates; only the candidate
    has limits, and in a mixed workload each direction has to keep them, unless the limit is on
    their sum.  Repeats count as one value.  A limit that speaks of nothing in the plan is not
    kept by that: it is inconclusive.
    """
    for limit in limits:
        if not any(limited_ops(limit, step) for step in planned):
            yield _matches_nothing(limit)
        for step in usable:
            for figure in limit_figures(limit, step, values, of_agents):
                if figure.value is None:
                    yield _no_figure(limit, step, figure.op)
                else:
                    yield _judge(limit, step, figure, figure.value)


def limit_reason(limit: Limit, found: RunValue) -> Reason:
    """Kept when the value keeps it; broken when the whole 95 % interval breaks it.

    A value beyond the bound whose interval reaches across it is `too_few`: the trial cannot
    tell.  A figure without an interval (a percentile, a short trial) decides by its value.
    A kept limit does not mean that the next run keeps it.
    """
    value, bound = found.value, limit.bound
    if (value >= bound) if limit.at_least else (value <= bound):
        return Reason.WITHIN_LIMITS
    near = found.high if limit.at_least else found.low
    if near is None or ((near < bound) if limit.at_least else (near > bound)):
        return Reason.LIMIT_BROKEN
    return Reason.TOO_FEW


def _judge(limit: Limit, step: Step, figure: LimitFigure, found: RunValue) -> Check:
    reason = limit_reason(limit, found)
    metric = METRICS[limit.metric]
    words = {
        Reason.WITHIN_LIMITS: f"keeps the limit {limit.text!r}",
        Reason.LIMIT_BROKEN: f"breaks the limit {limit.text!r}",
        Reason.TOO_FEW: (
            f"is beyond the limit {limit.text!r}, but its interval reaches across:"
            " a longer trial could tell"
        ),
    }[reason]
    interval = "no interval"
    if found.low is not None and found.high is not None:
        low, high = quantity(metric, found.low), quantity(metric, found.high)
        interval = f"95 % interval {low} to {high}"
    whose = figure.whose and f" ({figure.whose})"
    repeats = "" if found.trials == 1 else f", mean of {count(found.trials, 'repeat')}"
    return Check(
        kind=CheckKind.LIMIT,
        step=step.key,
        side=CANDIDATE,
        op=figure.op,
        metric=limit.metric,
        reason=reason,
        sentence=(
            f"{figure_name(figure.op, limit.metric)}{whose} {quantity(metric, found.value)}"
            f" ({interval}{repeats}) {words}."
        ),
        value=found.value,
        low=found.low,
        high=found.high,
        limit=limit.text,
        bound=limit.bound,
    )


def _no_figure(limit: Limit, step: Step, op: str | None) -> Check:
    return Check(
        kind=CheckKind.LIMIT,
        step=step.key,
        side=CANDIDATE,
        op=op,
        metric=limit.metric,
        reason=Reason.TOO_FEW,
        sentence=(
            f"The limit {limit.text!r} cannot be judged: fio reported no"
            f" {figure_name(op, limit.metric)} here."
        ),
        limit=limit.text,
    )


def _matches_nothing(limit: Limit) -> Check:
    return Check(
        kind=CheckKind.LIMIT,
        step=WHOLE_RUN,
        side=CANDIDATE,
        op=None if limit.op is None else limit.op.value,
        metric=limit.metric,
        reason=Reason.TOO_FEW,
        sentence=(
            f"The limit {limit.text!r} speaks of no step of this job;"
            " check its workload and direction."
        ),
        limit=limit.text,
    )
