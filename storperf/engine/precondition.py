"""The phase precondition: what is done to the targets before measuring.  May be done again."""

from __future__ import annotations

from functools import partial

from storperf.deadline import Deadline
from storperf.engine import losses, waiting
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.filling import fill, remember_fill, verify_fill
from storperf.engine.past import has_measured, was_purged
from storperf.engine.random_writes import write_randomly

SETTLE = "settle"
_LOOK_S = 0.5
_PING_S = 2.5


def precondition(context: RunContext) -> None:
    """Purge, fill, write at random and wait, as far as the job asks for it."""
    asked = context.job.precondition
    if not context.agents or not context.storage_numbers():
        return
    for agent in context.present():
        if asked.purge and not was_purged(agent):
            _purge(context, agent)
    if asked.fill:
        fill(context)
        for agent in context.present():
            if not has_measured(agent):
                _verify(context, agent)
        if asked.random is not None:
            write_randomly(context, asked.random)
    if asked.settle_s and not any(map(has_measured, context.present())):
        _settle(context, asked.settle_s)


def _purge(context: RunContext, agent: Agent) -> None:
    context.announce.note(f"{agent.name}: discarding every block of its devices")
    # Of an agent that stays lost there is no answer.
    while not all(losses.ask(context, [agent], _is_purged).values()):
        _look(context)
        context.cancel.wait(_LOOK_S)


def _is_purged(agent: Agent) -> bool:
    return bool(agent.call("purge")["is_done"])


def _verify(context: RunContext, agent: Agent) -> None:
    for holds in losses.ask(context, [agent], partial(verify_fill, context)).values():
        facts = {"holds": holds}
        context.store.set_run_facts(context.run_id, {f"precondition.{agent.name}": facts})
        if context.job.precondition.random is None:
            losses.ask(context, [agent], partial(remember_fill, context))


def _settle(context: RunContext, settle_s: float) -> None:
    """Wait; the agents' leases are kept meanwhile."""
    context.announce.tell(EventKind.TRIAL_STARTED, trial=SETTLE, what=SETTLE, runtime_s=settle_s)
    end = Deadline.after(settle_s)
    ping = Deadline.after(0.0)
    while not end.is_over:
        _look(context)
        if ping.is_over:
            losses.ask(context, context.agents, lambda each: each.call("ping"))
            ping = Deadline.after(_PING_S)
        context.cancel.wait(min(_LOOK_S, end.remaining_s()))
    context.announce.tell(EventKind.TRIAL_ENDED, trial=SETTLE, what=SETTLE)


def _look(context: RunContext) -> None:
    waiting.look_for_cancel(context)
    context.cancel.check()
