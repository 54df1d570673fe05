"""The agents that a trial lacks where the rest of a run goes on without them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from storperf.engine import losses
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.records import of_attempt
from storperf.engine.together import applied_s
from storperf.model.job import Step
from storperf.model.run import Trial

Record = dict[str, Any]

# The trial's fact: since when each missing agent is missing (epoch seconds), and why.
MISSING = "missing"


def missing_parts(
    context: RunContext, trial: Trial, step: Step, ends: Mapping[str, Record]
) -> dict[str, Record]:
    """What is known of each agent that the trial lacks, by name; empty when the job says fail.

    Those that the run goes on without, and those whose process died over the trial.  When all
    of them died the trial has no part that could stand for it: then they are not missing, it
    failed.
    """
    if not losses.goes_on(context):
        return {}
    why = {
        agent.name: context.lost[agent.name].why
        for agent in context.planned_agents_of(step)
        if agent.name in context.lost
    }
    failed = dict(losses.failed_agents(ends))
    if len(failed) < len(ends) and not context.cancel.is_requested:
        why |= failed
    found: dict[str, Record] = {}
    for agent in context.planned_agents_of(step):
        if agent.name in why:
            found[agent.name] = {"since_s": _since_s(context, trial, agent), "why": why[agent.name]}
    return found


def _since_s(context: RunContext, trial: Trial, agent: Agent) -> float:
    """When the last was heard of it in the trial; else when it was lost."""
    last_s = None
    for record in of_attempt(agent.journal, trial.id, trial.attempt):
        if record["kind"] != "trial_ended":
            last_s = float(record["t"]) - applied_s(trial, agent.name)
    if last_s is not None:
        return last_s
    lost = context.lost.get(agent.name)
    return context.epoch() if lost is None else lost.since_s


def explain_missing(missing: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Who is missing, since when and why, in words; None when nobody is."""
    if not missing:
        return None
    told = []
    for name, facts in sorted(missing.items()):
        since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(facts["since_s"]))
        told.append(f"{name} is missing since {since} ({facts['why']})")
    return "; ".join(told)
