"""The phase precondition: what is done to the targets before measuring.  May be done again."""

from __future__ import annotations

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.filling import fill, verify_fill


def precondition(context: RunContext) -> None:
    """Fill every target with incompressible data, unless the job says otherwise."""
    if not context.job.precondition.fill or not context.agents:
        return
    fill(context)
    for agent in context.agents:
        if not _has_measured(agent):
            facts = {"holds": verify_fill(context, agent)}
            context.store.set_run_facts(context.run_id, {f"precondition.{agent.name}": facts})


def _has_measured(agent: Agent) -> bool:
    """Whether a trial was started already: what it wrote or trimmed is no matter of the fill."""
    return any(
        record["kind"] in {"trial_held", "trial_started"} and record["what"] == "measure"
        for record in agent.journal.records()
    )
