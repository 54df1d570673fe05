"""Agents that stay lost: the end of the run, or the rest goes on without them, as the job says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from storperf.engine import fanout
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.trial_end import explain_end
from storperf.engine.waiting import Ends
from storperf.errors import AgentLost
from storperf.fio.ending import FailureKind
from storperf.model.job import OnLostAgent
from storperf.model.run import LostAgent

Given = TypeVar("Given")

# The run's fact: what is known of each agent that it goes on without, by name.
LOST_AGENTS = "lost_agents"


def ask(
    context: RunContext,
    agents: Iterable[Agent],
    act: Callable[[Agent], Given],
    width: int = fanout.MOST_THREADS,
) -> dict[Agent, Given]:
    """What `act` gives for each of the agents that the run still has, in their order.

    `width` of them are asked at a time.
    An agent that is lost meanwhile is attached again and asked once more, so `act` must bear to
    be repeated.  One that stays lost is missing from what comes out, or ends the run.
    """

    def ask_again(agent: Agent) -> Given:
        try:
            return act(agent)
        except AgentLost:
            agent.reattach(context.cancel)
            return act(agent)

    return _of_the_rest(context, agents, ask_again, width)


def attach_again(context: RunContext, agents: Iterable[Agent]) -> None:
    """Find agents that an earlier manager of the run had; one that stays lost is as in `ask`."""
    _of_the_rest(context, agents, lambda each: each.reattach(context.cancel))


def _of_the_rest(
    context: RunContext,
    agents: Iterable[Agent],
    act: Callable[[Agent], Given],
    width: int = fanout.MOST_THREADS,
) -> dict[Agent, Given]:
    present = [agent for agent in agents if agent.name not in context.lost]
    outcomes = dict(zip(present, fanout.outcomes(present, act, width), strict=True))
    failures = {agent: each.exception() for agent, each in outcomes.items() if each.exception()}
    lost = {agent: error for agent, error in failures.items() if isinstance(error, AgentLost)}
    if len(lost) < len(failures):
        raise fanout.as_one([error for error in failures.values() if error is not None])
    if lost:
        context.cancel.check()
    give_up(context, lost)
    return {agent: each.result() for agent, each in outcomes.items() if agent not in lost}


def give_up(context: RunContext, lost: Mapping[Agent, AgentLost]) -> None:
    """Go on without these agents; AgentLost when the job says fail, or when none is left."""
    if not lost:
        return
    left = [agent for agent in context.present() if agent not in lost]
    if not goes_on(context) or not left:
        raise fanout.as_one([_named(agent, error) for agent, error in lost.items()])
    for agent, error in lost.items():
        since_s = context.epoch() - agent.sought_for_s
        context.lost[agent.name] = LostAgent(since_s=since_s, why=error.message)
        agent.detach()
        context.announce.note(f"{agent.name} stays lost, the rest goes on: {error.message}")
    _keep(context)


def _named(agent: Agent, error: AgentLost) -> AgentLost:
    """The same with the agent's name, which stands for more than the address it has tonight."""
    if error.message.startswith(agent.name):
        return error
    return AgentLost(f"{agent.name}: {error.message}", **{**error.facts, "agent": agent.name})


def _keep(context: RunContext) -> None:
    known = {name: asdict(each) for name, each in context.lost.items()}
    if known:
        context.store.set_run_facts(context.run_id, {LOST_AGENTS: known})


def give_up_absent(context: RunContext) -> None:
    """Go on without the agents that never came up, where their provider says so."""
    for agent in context.present():
        if agent.place.fault is not None:
            context.lost[agent.name] = LostAgent(since_s=context.epoch(), why=agent.place.fault)
            context.announce.note(f"the run goes on without {agent.name}: {agent.place.fault}")
    _keep(context)


def records_of_the_rest(
    context: RunContext, agents: Iterable[Agent], ends: Ends
) -> dict[str, dict[str, Any]]:
    """The ends on the agents that are left; Cancelled, or AgentLost where `give_up` says so.

    Where the rest is to go on, an agent whose process died over it is given up as well: nobody
    knows what it left.
    """
    context.cancel.check()
    lost = dict(ends.lost)
    if goes_on(context):
        lost |= {name: AgentLost(f"{name}: {why}") for name, why in failed_agents(ends.records)}
    give_up(context, {agent: lost[agent.name] for agent in agents if agent.name in lost})
    return {name: ended for name, ended in ends.records.items() if name not in lost}


def goes_on(context: RunContext) -> bool:
    """Whether the job wants the rest to go on when an agent stays lost."""
    return context.job.provider.on_lost_agent is OnLostAgent.GO_ON


def failed_agents(ends: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The agents that, by the record of an end, failed themselves, and why; not fio or a target."""
    for name, ended in ends.items():
        failure = explain_end(ended)
        if failure is not None and failure.kind is FailureKind.AGENT:
            yield name, failure.sentence


def recall(context: RunContext) -> None:
    """Take up what an earlier manager of this run gave up."""
    known: Any = context.store.get_run(context.run_id).facts.get(LOST_AGENTS) or {}
    context.lost.update({name: LostAgent(**facts) for name, facts in known.items()})
