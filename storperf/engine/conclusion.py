"""The phases after measuring: collect, judge, report, teardown.  Each may be done again."""

from __future__ import annotations

import logging
import tempfile
from functools import partial
from pathlib import Path

from storperf.engine import fanout, losses, observation, waiting
from storperf.engine.agents import Agent, make_agent
from storperf.engine.context import RunContext
from storperf.errors import AgentLost, ExitCode, StoreError, StorperfError
from storperf.model.run import Trial, TrialState
from storperf.remote.pack import build_agent
from storperf.store.raw import keep_raw

log = logging.getLogger(__name__)

_RAW_KINDS = ("json", "log")
_FETCHING = ".fetch-"


def collect(context: RunContext) -> None:
    """Bring each trial's raw fio output home, compressed; what is here already is left alone."""
    for cut_off in context.store.raw_folder(context.run_id).glob(f"{_FETCHING}*"):
        cut_off.unlink()
    for trial in context.store.trials(context.run_id):
        waiting.look_for_cancel(context)
        context.cancel.check()
        if trial.state is not TrialState.STORED:
            continue
        agents = context.agents_of(context.plan.step(trial.step_key))
        told = losses.ask(context, agents, partial(_bring_all, context, trial), fanout.FEW_THREADS)
        for why in filter(None, told.values()):
            # Raw output explains figures; without it they are what they are.
            context.announce.note(f"raw output of {trial.id} is not kept: {why}")


def _bring_all(context: RunContext, trial: Trial, agent: Agent) -> str | None:
    """Why something of an agent's raw output is not kept; None when all of it is."""
    faults = []
    for number in context.numbers_of_side(trial.side):
        for which in _RAW_KINDS:
            try:
                _bring(context, agent, (trial.id, trial.attempt), number, which)
            except (AgentLost, StoreError):
                raise
            except StorperfError as error:
                faults.append(error.message)
    agent.call("drop_raw", trial=trial.id, attempt=trial.attempt)
    return "; ".join(faults) or None


def _bring(
    context: RunContext, agent: Agent, key: tuple[str, int], number: int, which: str
) -> None:
    folder = context.store.raw_folder(context.run_id)
    kept = folder / f"{key[0]}.{key[1]}.{agent.name}.target-{number}.{which}.gz"
    if kept.exists():
        return
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_FETCHING) as temporary:
        for piece in agent.fetch(*key, number, which):
            temporary.write(piece)
        temporary.flush()
        keep_raw(Path(temporary.name), kept)


def teardown(context: RunContext) -> None:
    """Give everything back; what could not be removed is listed by name."""
    if not context.agents and not context.provider.vanishes(context.job):
        _attach_for_teardown(context)
    given_back = []
    lefts = fanout.for_each(context.agents, partial(_give_back, context))
    for agent, left in zip(context.agents, lefts, strict=True):
        context.left_behind += left
        if not left:
            given_back.append(agent)
    context.left_behind += _release(context)
    if context.left_behind:
        text = "; ".join(context.left_behind)
        context.faults.append((ExitCode.INFRASTRUCTURE, f"left behind: {text}"))
    has_vanished = context.provider.vanishes(context.job) and not context.left_behind
    context.left_behind += observation.give_back(context)
    # The store comes last: when it is the one that fails, the hosts are clean already.
    ledger = [entry for entry in context.store.ledger(context.run_id) if not entry.released]
    places = {f"{context.run_id}/{agent.name}" for agent in given_back}
    gone = [
        entry.name
        for entry in ledger
        if "/".join(entry.name.split("/")[:2]) in places
        or (has_vanished and entry.kind != observation.KIND)
    ]
    context.store.ledger_release(context.run_id, *sorted(gone))


def _release(context: RunContext) -> list[str]:
    """Have the provider take away what it made; what is left of it."""
    try:
        return context.provider.release(context.job, context.errand(0, creates=False))
    except StorperfError as error:
        entries = context.store.ledger(context.run_id)
        made = [each.where for each in entries if each.kind == "stack" and not each.released]
        return [f"{', '.join(made)}: {error.message}; storperf cleanup tries again"]


def _give_back(context: RunContext, agent: Agent) -> list[str]:
    """Release an agent's targets, end it and leave its host; what is left."""
    if not agent.was_reached:
        return []
    if agent.place.vanishes:
        agent.leave()
        return []
    try:
        left = agent.release()
        return left + agent.forget(keep=bool(left))
    except StorperfError as error:
        log.warning("%s is attached again for its teardown: %s", agent.name, error)
        return _give_back_again(context, agent, has_lost_journal=isinstance(error, StoreError))
    finally:
        agent.leave()


def _give_back_again(context: RunContext, agent: Agent, *, has_lost_journal: bool) -> list[str]:
    """The same over a new channel; a journal that found no room here stays on the agent."""
    try:
        agent.attach_deaf()
        left = agent.release()
        return left + agent.forget(keep=bool(left) or has_lost_journal)
    except StorperfError as error:
        return [f"{agent.name}: {error.message}; what may be there: {_places(context, agent)}"]


def _places(context: RunContext, agent: Agent) -> str:
    """Where this run may have made something on an agent's host."""
    entries = context.provider.ledger(context.run_id, context.job)
    own = f"{context.run_id}/{agent.name}/"
    return ", ".join(dict.fromkeys(e.where for e in entries if f"{e.name}/".startswith(own)))


def _attach_for_teardown(context: RunContext) -> None:
    """A run that resumes at its end, or failed early: reach what its ledger names."""
    if not context.store.ledger(context.run_id):
        return
    package = build_agent()
    folder = context.store.journals_folder(context.run_id)
    asked = context.errand(context.most_agents, creates=False)
    for place in context.provider.acquire(context.job, asked):
        agent = make_agent(context.run_id, place, package, folder)
        # Its ledger says that it was to be: of a run that died early nobody knows more.
        agent.was_reached = True
        context.agents.append(agent)
    fanout.for_each(context.agents, _attach)


def _attach(agent: Agent) -> None:
    try:
        agent.attach()
    except StorperfError as error:
        log.warning("%s cannot be reached for teardown: %s", agent.name, error)
