"""Several agents as one: begun at one moment, their times on the manager's clock.

The offsets stand in the trial's facts before it is started, so that a manager that resumes it
reads the same times out of the same journals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from storperf.engine import fanout, losses
from storperf.engine.agents import Agent
from storperf.engine.clocks import measure_offset
from storperf.engine.context import RunContext
from storperf.model.run import Summary, Trial

# From the command to the release: every fio must have come to its gate by then.
_LEAD_S = 1.0
_LEAD_AN_AGENT_S = 0.02
# What a fio takes of a core until it is at its gate: 0.16 s on a quiet machine (fio 3.33).
_START_CORE_S = 0.2
CLOCKS = "clocks"
ALL = "all"


def clock_facts(context: RunContext, agents: Sequence[Agent]) -> dict[str, dict[str, float]]:
    """What the agents' clocks say now, by agent, in seconds."""
    # Few at a time: who waits for the interpreter measures that.
    told = losses.ask(
        context, agents, lambda each: measure_offset(each, context.epoch), fanout.FEW_THREADS
    )
    return {
        agent.name: {
            "offset_s": offset.offset_s,
            "uncertainty_s": offset.uncertainty_s,
            "applied_s": offset.applied_s,
        }
        for agent, offset in told.items()
    }


def applied_s(trial: Trial, agent: str) -> float:
    """What is taken off an agent's times to have the manager's."""
    clocks: Any = trial.facts.get(CLOCKS) or {}
    return float(clocks.get(agent, {}).get("applied_s", 0.0))


def release_times(
    context: RunContext, trial: Trial, agents: Sequence[Agent]
) -> dict[str, float | None]:
    """When each agent is to begin, on its own clock; None, at once, for one that is alone."""
    if len(agents) < 2:
        return {agent.name: None for agent in agents}
    together_s = _LEAD_S + _LEAD_AN_AGENT_S * len(agents)
    at_s = context.epoch() + together_s + _START_CORE_S * _starts_a_core(context, agents)
    return {agent.name: at_s + applied_s(trial, agent.name) for agent in agents}


def _starts_a_core(context: RunContext, agents: Sequence[Agent]) -> float:
    """How many agents share a core where most of them are on one machine."""
    alike: dict[str, list[int]] = defaultdict(list)
    for agent in agents:
        host = context.hosts.get(agent.name, {})
        alike[host.get("boot_id") or agent.name].append(host.get("cpus") or 1)
    return max(len(cores) / cores[0] for cores in alike.values())


def extremes(summaries: Iterable[Summary], metric: str) -> dict[str, dict[str, object]]:
    """The agents with the lowest and the highest `metric` in each direction."""
    values: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for each in summaries:
        if each.metric == metric and each.agent != ALL:
            values[each.op].append((each.value, each.agent))
    return {
        op: {
            "metric": metric,
            "slowest": dict(zip(("value", "agent"), min(found), strict=True)),
            "fastest": dict(zip(("value", "agent"), max(found), strict=True)),
        }
        for op, found in values.items()
    }


def skews(
    trial: Trial, released_s: dict[str, float], spans: dict[str, tuple[float, float]]
) -> dict[str, object] | None:
    """How far apart the agents began and ended, and how long they were all at work.

    `released_s` is when each agent opened its gate, on its own clock; `spans` are first and last
    moment of its intervals, on the manager's.  None with fewer than two agents.
    """
    if len(spans) < 2:
        return None
    gates = [at_s - applied_s(trial, agent) for agent, at_s in released_s.items()]
    starts, ends = zip(*spans.values(), strict=True)
    longest = max(end - start for start, end in spans.values())
    common = max(0.0, min(ends) - max(starts))
    return {
        "gate_skew_s": max(gates) - min(gates) if gates else 0.0,
        "start_skew_s": max(starts) - min(starts),
        "end_skew_s": max(ends) - min(ends),
        "overlap": common / longest if longest else 0.0,
        "first_done": min(spans, key=lambda agent: spans[agent][1]),
        "last_done": max(spans, key=lambda agent: spans[agent][1]),
    }
