"""Which figure of a step a limit is held against: all agents', the worst one's, or a sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from storperf.model.job import CANDIDATE, Limit, LimitOn, Step
from storperf.stats.batch import BATCHES
from storperf.stats.repeats import AgentPlace, Place, RunValue
from storperf.stats.student import t_quantile
from storperf.stats.wording import count

_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFigure:
    """A figure that has to keep a limit, and whose it is.

    `op` is None for the sum of several directions, `value` None where fio reported none of it.
    `whose` is empty for all agents in one direction.
    """

    op: str | None
    value: RunValue | None
    whose: str = ""


def limit_figures(
    limit: Limit,
    step: Step,
    values: Mapping[Place, RunValue],
    of_agents: Mapping[AgentPlace, RunValue],
) -> list[LimitFigure]:
    """The figures of a step that a limit speaks of; none when it speaks of others.

    `values` are those over all agents, `of_agents` each agent's own.
    """
    ops = limited_ops(limit, step)
    if limit.on is LimitOn.WORST_AGENT:
        return [_worst(limit, step, op, of_agents) for op in ops]
    found = [values.get((step.key, CANDIDATE, op, limit.metric)) for op in ops]
    if limit.on is LimitOn.SUM and len(ops) > 1:
        return [_sum(ops, found)]
    return [LimitFigure(op=op, value=each) for op, each in zip(ops, found, strict=True)]


def limited_ops(limit: Limit, step: Step) -> list[str]:
    """The directions of the step that the limit speaks of."""
    if limit.workload not in (None, step.workload.name):
        return []
    return [op.value for op in step.workload.ops if limit.op in (None, op)]


def _worst(
    limit: Limit, step: Step, op: str, of_agents: Mapping[AgentPlace, RunValue]
) -> LimitFigure:
    """The agent that is furthest on the wrong side; None unless every agent has the figure.

    The worst of several looks worse than it is, so their intervals are widened until all of them
    hold together at 95 % (Sidak).  An agent that surely breaks the limit comes before one that is
    worse and may only seem so.
    """
    own = {
        agent: value
        for (agent, *place), value in of_agents.items()
        if tuple(place) == (step.key, CANDIDATE, op, limit.metric)
    }
    if len(own) < step.agents or not own:
        return LimitFigure(op=op, value=None)
    wide = {agent: _widened(value, len(own)) for agent, value in own.items()}
    worst = min(wide, key=lambda agent: (_near_end(limit, wide[agent]), agent))
    among = "" if len(own) == 1 else f", the worst of {count(len(own), 'agent')}"
    return LimitFigure(op=op, value=wide[worst], whose=f"{worst}{among}")


def _near_end(limit: Limit, value: RunValue) -> tuple[float, float]:
    """The end of the interval that is nearest to keeping the limit, and the value; worst first."""
    sign = 1.0 if limit.at_least else -1.0
    end = value.high if limit.at_least else value.low
    return (sign * (value.value if end is None else end), sign * value.value)


def _widened(value: RunValue, agents: int) -> RunValue:
    if value.low is None or value.high is None or agents == 1:
        return value
    each = _LEVEL ** (1 / agents)
    df = BATCHES - 1
    factor = t_quantile((1 + each) / 2, df) / t_quantile((1 + _LEVEL) / 2, df)
    return replace(
        value,
        low=value.value - factor * (value.value - value.low),
        high=value.value + factor * (value.high - value.value),
    )


def _sum(ops: Sequence[str], found: Sequence[RunValue | None]) -> LimitFigure:
    """The directions together; the ends are added too, which is wide enough however they move."""
    known = [each for each in found if each is not None]
    if len(known) < len(ops):
        return LimitFigure(op=None, value=None)
    lows = [each.low for each in known if each.low is not None]
    highs = [each.high for each in known if each.high is not None]
    whole = len(lows) == len(highs) == len(known)
    total = RunValue(
        value=sum(each.value for each in known),
        low=sum(lows) if whole else None,
        high=sum(highs) if whole else None,
        trials=max(each.trials for each in known),
    )
    return LimitFigure(op=None, value=total, whose=" and ".join(ops))
