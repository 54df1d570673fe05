"""Where the noise of an undecided figure comes from: the largest source that the figures show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

import numpy as np

from storperf.model.metric import METRICS
from storperf.model.verdict import Check
from storperf.stats.loads import Loads, Where
from storperf.stats.repeats import AgentPlace, RunValue
from storperf.stats.table import Floats, Mask
from storperf.stats.wording import count, percent, quantity

# Less than a quarter of the variance is no source to look for.
_WORTH_A_WORD = 0.25
# A line through fewer points explains them by chance.
_FEWEST_RUNS = 6
_FEWEST_AGENTS = 3
_CAUSES = {
    "cpu_pressure": "CPU pressure on the hosts, which explains {} of the variance of {}",
    "cpu_steal": "steal on the hosts, which explains {} of the variance of {}",
}


def noise_source(
    check: Check,
    hosts: Mapping[Where, Mapping[str, Loads]],
    agents: Mapping[AgentPlace, RunValue],
) -> str:
    """The largest source of a figure's noise in a sentence; empty where too little is known.

    `hosts` is what the agents of earlier runs went through, by run, `agents` each agent's own
    figure in this run.  What goes together need not be cause and effect, and a source that no
    figure shows (a neighbour on the storage) is not seen.
    """
    found = [*_of_runs(check, hosts), *_of_agents(check, agents)]
    if found:
        return f"The largest source of noise that shows: {max(found)[1]}."
    runs = len(check.screens[0].values) if check.screens else 0
    return "No single source of the noise stands out." if runs >= _FEWEST_RUNS else ""


def _of_runs(
    check: Check, hosts: Mapping[Where, Mapping[str, Loads]]
) -> Iterator[tuple[float, str]]:
    """Sources in the baseline, each with the share of the variance that it explains."""
    if not check.screens or len(check.screens[0].values) < _FEWEST_RUNS:
        return
    logs = np.log(np.array(check.screens[0].values))
    kept = np.array(check.screens[0].is_kept)
    runs = f"the {count(int(kept.sum()), 'baseline run')}"
    yield from _outliers(check, logs, kept)
    drift = _explained(logs[kept], np.flatnonzero(kept).astype(np.float64))
    if drift >= _WORTH_A_WORD:
        yield drift, f"a drift from run to run, which explains {percent(drift)} of that of {runs}"
    if len(check.baseline_runs) != len(logs):
        return
    by_run = hosts.get((check.step, check.side), {})
    for name, words in _CAUSES.items():
        loads = np.array([by_run.get(run, {}).get(name, np.nan) for run in check.baseline_runs])
        known = kept & np.isfinite(loads)
        share = _explained(logs[known], loads[known])
        if share >= _WORTH_A_WORD:
            yield share, words.format(percent(share), f"{int(known.sum())} baseline runs")


def _outliers(check: Check, logs: Floats, kept: Mask) -> Iterator[tuple[float, str]]:
    """Runs that Hampel's rule left out: how much of the variance went with them."""
    total = float(((logs - logs.mean()) ** 2).sum())
    left_out = np.flatnonzero(~kept)
    if not len(left_out) or not total:
        return
    share = 1 - float(((logs[kept] - logs[kept].mean()) ** 2).sum()) / total
    named = ""
    if len(check.baseline_runs) == len(logs):
        named = f" ({', '.join(check.baseline_runs[number] for number in left_out)})"
    runs = "one outlier run" if len(left_out) == 1 else f"{len(left_out)} outlier runs"
    if share >= _WORTH_A_WORD:
        yield share, f"{runs}{named}, left out, with {percent(share)} of the variance"


def _explained(values: Floats, by: Floats) -> float:
    """The share of the variance that a line explains, less what it does by chance (shape n)."""
    if len(values) < _FEWEST_RUNS or not values.std() or not by.std():
        return 0.0
    square = float(np.corrcoef(values, by)[0, 1]) ** 2
    return max(0.0, 1 - (1 - square) * (len(values) - 1) / (len(values) - 2))


def _of_agents(check: Check, agents: Mapping[AgentPlace, RunValue]) -> Iterator[tuple[float, str]]:
    """One agent that alone makes much of the loss, where the others agree."""
    if check.metric is None or check.value is None or check.baseline_value is None:
        return
    place = (check.step, check.side, check.op, check.metric)
    own = {agent: found.value for (agent, *at), found in agents.items() if tuple(at) == place}
    metric = METRICS[check.metric]
    if len(own) < _FEWEST_AGENTS or not metric.higher_is_better:
        return
    worst = min(own, key=lambda agent: own[agent])
    middle = median(value for agent, value in own.items() if agent != worst)
    loss = check.baseline_value - check.value
    share = min(1.0, (middle - own[worst]) / loss) if loss > 0 else 0.0
    if share >= _WORTH_A_WORD:
        figures = f"{quantity(metric, own[worst])}, where the middle of the others is"
        made = f"{quantity(metric, middle)}: {percent(share)} of the loss"
        yield share, f"{worst} with {figures} {made}"
