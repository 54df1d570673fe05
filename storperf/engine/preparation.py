"""The phases that get ready: provision and prepare.  Each may be done again."""

from __future__ import annotations

from functools import partial
from typing import Any

from storperf.engine import fanout, losses
from storperf.engine.agents import Agent, make_agent
from storperf.engine.context import RunContext
from storperf.engine.load_engine import require_fio, require_io_uring
from storperf.engine.observation import observe
from storperf.engine.reach import reach
from storperf.engine.step_checks import check_steps, tell_queues
from storperf.model.run import TrialState
from storperf.model.target import Target
from storperf.remote.pack import build_agent


def provision(context: RunContext) -> None:
    """Get the agents and attach to them; what will be created is in the ledger first.

    A provider that makes them is asked for as many as the next trial takes, and for more later.
    """
    if context.agents:
        return
    entries = context.provider.ledger(context.run_id, context.job)
    context.store.ledger_add(context.run_id, *entries)
    losses.recall(context)
    _acquire(context, _agents_by_now(context))
    observe(context)


def widen(context: RunContext, agents: int) -> None:
    """Have that many agents; the new ones are made ready, the others stay as they are."""
    if agents <= len(context.agents):
        return
    context.announce.note(f"{agents} agents are wanted from now on, {len(context.agents)} are here")
    _acquire(context, agents)
    prepare(context)


def _acquire(context: RunContext, agents: int) -> None:
    """Take over the agents that the run has not yet, and attach to them."""
    package = build_agent()
    folder = context.store.journals_folder(context.run_id)
    places = context.provider.acquire(context.job, context.errand(agents))
    new = [
        make_agent(context.run_id, place, package, folder)
        for place in places[len(context.agents) :]
    ]
    context.agents += new
    losses.give_up_absent(context)
    known = [agent for agent in new if agent.was_reached]
    fresh = [agent for agent in new if agent not in known and agent.name not in context.lost]
    fanout.for_each(fresh, Agent.attach)
    losses.attach_again(context, known)


def _agents_by_now(context: RunContext) -> int:
    """The agents of the widest trial that was begun, and of the one that comes next."""
    trials = context.store.trials(context.run_id)
    begun = [trial for trial in trials if trial.state is not TrialState.PLANNED]
    following = [trial for trial in trials if trial.state is TrialState.PLANNED][:1]
    steps = [context.plan.step(trial.step_key) for trial in (*begun, *following)]
    return max((step.agents for step in steps), default=context.most_agents)


def prepare(context: RunContext) -> None:
    """Look at each host, take the targets, let fio's own parser read every step."""
    probed = losses.ask(context, context.agents, partial(_probe, context))
    taken = losses.ask(context, probed, lambda each: each.prepare(_requests(context, each)))
    environments: dict[str, object] = {}
    for agent, prepared in taken.items():
        facts = probed[agent]
        context.prepared[agent.name] = prepared
        context.hosts[agent.name] = facts["host"]
        environments[f"environment.{agent.name}"] = {
            "host": facts["host"],
            "fio": facts["fio"]["version"],
            "targets": [_target_facts(target) for target in prepared],
        }
        tell_queues(context, agent)
    context.store.set_run_facts(context.run_id, environments)
    fresh = [agent for agent in taken if not _has_started(agent)]
    checked = losses.ask(context, fresh, partial(check_steps, context))
    for agent in checked:
        losses.ask(context, [agent], partial(reach, context))


def _probe(context: RunContext, agent: Agent) -> dict[str, Any]:
    facts = agent.call("probe", fio=context.fio_on(agent))
    require_fio(context, agent, facts["fio"])
    if not _has_started(agent):
        require_io_uring(context, agent)
    if context.job.precondition.drop_caches:
        agent.call("drop_caches")  # refused where it is not possible, before all else
    return facts


def _requests(context: RunContext, agent: Agent) -> list[dict[str, object]]:
    return [_request(context, target) for target in agent.place.targets(context.job)]


def _request(context: RunContext, target: Target) -> dict[str, object]:
    made = target.file_system
    formatted: dict[str, object] = {}
    if made is not None:
        formatted["mkfs"] = {"type": made.type, "options": made.mkfs_options}
        formatted["mount"] = {"options": made.mount_options}
    return {
        **formatted,
        "kind": target.kind.value,
        "path": target.path,
        "size_bytes": target.size_bytes,
        "serial": target.serial,
        "destroy": target.destroy,
        "direct": context.job.direct,
        "nrfiles": target.nrfiles,
        "purge": context.job.precondition.purge,
    }


def _target_facts(prepared: dict[str, Any]) -> dict[str, object]:
    kept = ("filename", "size_bytes", "device", "lock", "journal_on_target")
    return {**{key: prepared[key] for key in kept}, **prepared["facts"]}


def _has_started(agent: Agent) -> bool:
    """Whether fio ran already: the steps were checked then, and it may be running still."""
    return any(
        record["kind"] in {"trial_held", "trial_started"} for record in agent.journal.records()
    )
