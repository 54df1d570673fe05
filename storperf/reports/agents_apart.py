"""How far apart the agents of a trial were, as a sentence for every paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import Trial
from storperf.stats.gates import latest_attempts
from storperf.stats.wording import figure_name, quantity
from storperf.units import render_duration

# What a terminal shows; the report has every trial.
MOST_SENTENCES = 8


def apart_sentence(trial: Trial) -> str | None:
    """When a trial's agents began and ended, and who was slowest; None for one agent alone.

    Runs of earlier versions tell less of it.
    """
    facts: Any = trial.facts.get("together")
    if not isinstance(facts, Mapping):
        return None
    gates, starts, ends = (
        render_duration(max(0.0, facts[name]))
        for name in ("gate_skew_s", "start_skew_s", "end_skew_s")
    )
    parts = [
        f"agents began within {starts} (their gates opened within {gates}) and ended within {ends}",
        f"all were at work for {facts['overlap']:.1%} of the longest",
    ]
    if "first_done" in facts:
        parts.append(f"{facts['first_done']} was done first, {facts['last_done']} last")
    parts += [_extremes(op, found) for op, found in facts.get("extremes", {}).items()]
    return "; ".join(parts)


def apart_sentences(result: RunResult) -> list[str]:
    """The same of each step, by its trial with the least overlap; the worst steps first."""
    worst: dict[tuple[str, str], Trial] = {}
    for trial in latest_attempts(result.trials).values():
        if apart_sentence(trial) is None:
            continue
        place = (trial.step_key, trial.side)
        if place not in worst or _overlap(trial) < _overlap(worst[place]):
            worst[place] = trial
    ordered = sorted(worst.values(), key=_overlap)
    told = [f"{each.step_key}: {apart_sentence(each)}" for each in ordered[:MOST_SENTENCES]]
    more = len(ordered) - len(told)
    return [*told, *_more(more)]


def _more(count: int) -> Sequence[str]:
    return [f"the agents of {count} more steps overlapped longer; see the report"] if count else []


def _overlap(trial: Trial) -> float:
    facts: Any = trial.facts["together"]
    return float(facts["overlap"])


def _extremes(op: str, found: Mapping[str, Any]) -> str:
    metric = METRICS[found["metric"]]
    slowest, fastest = found["slowest"], found["fastest"]
    return (
        f"{figure_name(op, found['metric'])}: slowest {slowest['agent']} with "
        f"{quantity(metric, slowest['value'])}, fastest {fastest['agent']} with "
        f"{quantity(metric, fastest['value'])}"
    )
