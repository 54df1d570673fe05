"""One value per run: what the repeats of a step come to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from storperf.model.baseline import BaselineValue
from storperf.model.run import Flag, Summary, Trial

ALL = "all"

# (step key, side, op, metric)
Place = tuple[str, str, str, str]
# (agent, step key, side, op, metric)
AgentPlace = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunValue:
    """A figure of one step and side in this run; the interval as one trial's, or None."""

    value: float
    low: float | None
    high: float | None
    trials: int


def run_values(trials: Sequence[Trial], summaries: Sequence[Summary]) -> dict[Place, RunValue]:
    """The figures over all agents of the given trials, repeats averaged to one value.

    Repeats of one session are not independent, so that they count as one value: their
    geometric mean, as the baseline averages them.  For a percentile that is the mean of repeated
    measurements of it, not the percentile of all I/Os.  Rounds before the steady window are left
    out.  The ends of the interval are
    averaged alike; they stay as wide as one trial's, because the repeats' own spread is in none.
    Raises ValueError when two summaries claim the same figure of one trial.
    """
    found = _grouped(trials, [each for each in summaries if each.agent == ALL])
    return {place[1:]: value for place, value in found.items()}


def agent_values(
    trials: Sequence[Trial], summaries: Sequence[Summary]
) -> dict[AgentPlace, RunValue]:
    """The same of each agent for itself."""
    return _grouped(trials, [each for each in summaries if each.agent != ALL])


def _grouped(trials: Sequence[Trial], summaries: Sequence[Summary]) -> dict[AgentPlace, RunValue]:
    places = {
        trial.id: (trial.step_key, trial.side)
        for trial in trials
        if Flag.BEFORE_WINDOW not in trial.flags
    }
    groups: dict[AgentPlace, dict[str, Summary]] = defaultdict(dict)
    for summary in summaries:
        place = places.get(summary.trial)
        if place is None or not math.isfinite(summary.value):
            continue
        group = groups[summary.agent, *place, summary.op, summary.metric]
        if group.setdefault(summary.trial, summary) != summary:
            raise ValueError(f"two values of {summary.metric} {summary.op} in {summary.trial}")
    return {place: _average(tuple(group.values())) for place, group in groups.items()}


def baseline_of(
    values: Mapping[Place, RunValue], run: str, ended_s: float
) -> dict[tuple[str, str], tuple[BaselineValue, ...]]:
    """One run's values as the history of another, by (step key, side): `compare RUN RUN`."""
    history: dict[tuple[str, str], tuple[BaselineValue, ...]] = {}
    for (step, side, op, metric), found in values.items():
        value = BaselineValue(run=run, ended_s=ended_s, op=op, metric=metric, value=found.value)
        history[step, side] = (*history.get((step, side), ()), value)
    return history


def _average(summaries: Sequence[Summary]) -> RunValue:
    ends = [(each.low, each.high) for each in summaries]
    lows = [low for low, _ in ends if low is not None]
    highs = [high for _, high in ends if high is not None]
    whole = len(lows) == len(highs) == len(summaries)
    return RunValue(
        value=_mean([each.value for each in summaries]),
        low=_mean(lows) if whole else None,
        high=_mean(highs) if whole else None,
        trials=len(summaries),
    )


def _mean(values: Sequence[float]) -> float:
    """The geometric mean, the plain one when a value is not positive."""
    if len(values) == 1:
        return values[0]
    if min(values) > 0:
        return math.exp(math.fsum(math.log(value) for value in values) / len(values))
    return math.fsum(values) / len(values)
