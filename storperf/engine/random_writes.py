"""Random writes after the fill, until they are steady or their time is up."""

from __future__ import annotations

from typing import Any

from storperf.engine import losses, waiting
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.past import past_of
from storperf.engine.records import interval_of
from storperf.engine.steady_watch import SteadyWatch
from storperf.engine.trial_end import explain_end
from storperf.errors import FioFailed
from storperf.fio.render import render_random_writes
from storperf.model.job import Op, RandomWrites, Workload
from storperf.model.run import Steadiness, TrialEnd
from storperf.units import render_duration

Record = dict[str, Any]

TRIAL = "precondition"
_WORKLOAD = Workload(name=TRIAL, options=(("rw", "randwrite"),))
_GRACE_S = 60.0


def write_randomly(context: RunContext, asked: RandomWrites) -> None:
    """Write at random until steady; that it was not is told, and flagged on every trial."""
    pasts = {agent: past_of(agent, TRIAL) for agent in context.present()}
    is_new = not all(past.is_done for past in pasts.values())
    if is_new:
        context.announce.tell(
            EventKind.TRIAL_STARTED, trial=TRIAL, what=TRIAL, runtime_s=asked.at_most_s
        )
    fresh = [agent for agent, past in pasts.items() if not past.is_done]
    losses.ask(context, fresh, lambda each: _start(context, each, pasts[each].attempt, asked))
    ends, watch = _hear(context, {agent: past.attempt for agent, past in pasts.items()}, asked)
    if is_new:
        context.announce.tell(EventKind.TRIAL_ENDED, trial=TRIAL, what=TRIAL)
    for name, ended in ends.items():
        failure = explain_end(ended)
        if failure is not None:
            raise FioFailed(f"{name}: the random writes failed: {failure.sentence}", agent=name)
    _conclude(context, asked, watch, ends)


def _start(context: RunContext, agent: Agent, attempt: int, asked: RandomWrites) -> None:
    agent.call(
        "start",
        trial=TRIAL,
        attempt=attempt,
        what=TRIAL,
        deadline_s=asked.at_most_s + max(_GRACE_S, asked.at_most_s / 5),
        targets=[
            {
                "target": number,
                "argv": render_random_writes(
                    context.job,
                    asked,
                    context.target_on(agent, number),
                    fio=context.fio_on(agent),
                    filenames=context.prepared[agent.name][number]["filenames"],
                ),
            }
            for number in context.storage_numbers()
        ],
    )


def _hear(
    context: RunContext, attempts: dict[Agent, int], asked: RandomWrites
) -> tuple[dict[str, Record], SteadyWatch]:
    """The records of the ends, and what was watched; steady ends it on all agents.

    Without an agent that stays lost the watch begins anew: else it waits for it to the deadline.
    """
    agents = [agent for agent in attempts if agent.name not in context.lost]
    left = {agent.name for agent in agents}
    targets = len(context.storage_numbers())
    watch = SteadyWatch(_WORKLOAD, asked.rule, len(left) * targets)

    def listen(name: str, record: Record) -> None:
        # Once the rule held, what fio still did until it heard of that is of no matter.
        if record["kind"] == "progress" and not watch.is_met and _feed(watch, name, record):
            heard.stop("steady")
        if record["kind"] == "trial_ended" and dict(losses.failed_agents({name: record})):
            lose(name)

    def lose(name: str) -> None:
        nonlocal watch
        left.discard(name)
        if losses.goes_on(context) and not watch.is_met:
            watch = SteadyWatch(_WORKLOAD, asked.rule, len(left) * targets)

    keys = {agent.name: (TRIAL, attempts[agent]) for agent in agents}
    heard = waiting.Waiting(context, agents, keys, listen, lose=lose)
    return losses.records_of_the_rest(context, agents, heard.run()), watch


def _feed(watch: SteadyWatch, name: str, record: Record) -> bool:
    """Whether the rule holds, with what this record tells."""
    interval = interval_of(name, {**record, "bins": ()})
    if interval is not None:
        watch.feed(interval)
    return watch.is_met


def _conclude(
    context: RunContext, asked: RandomWrites, watch: SteadyWatch, ends: dict[str, Record]
) -> None:
    context.is_preconditioned = watch.is_met
    took_s = max(end["end_s"] - end["start_s"] for end in ends.values())
    rounds = [round(value, 1) for value in watch.rounds[Op.WRITE]]
    facts = {
        "end": (TrialEnd.STEADY if watch.is_met else TrialEnd.DEADLINE).value,
        "steadiness": (Steadiness.STEADY if watch.is_met else Steadiness.NOT_STEADY).value,
        "round_s": asked.rule.round_s,
        "last_rounds_iops": rounds,
        "took_s": round(took_s, 1),
        "bytes": {
            name: sum(target["bytes"]["write"] for target in end["targets"])
            for name, end in ends.items()
        },
    }
    context.store.set_run_facts(context.run_id, {"random_writes": facts})
    took = render_duration(round(took_s))
    if watch.is_met:
        context.announce.note(f"random writes: steady after {took}")
    else:
        context.announce.note(f"random writes: not steady after {took}; every trial is flagged")
