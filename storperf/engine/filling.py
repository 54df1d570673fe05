"""The fill: every target written in full by fio, and looked at afterwards."""

from __future__ import annotations

import time
from functools import partial
from importlib import import_module
from typing import Any

from storperf.engine import contents, losses, waiting
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.past import FILL, past_of
from storperf.engine.trial_end import explain_end
from storperf.errors import FioFailed
from storperf.fio.render import render_fill
from storperf.model.target import TargetKind

# A fill that is slower than this is taken for hung.
SLOWEST_BYTES_PER_S = 2 << 20
_FILL_GRACE_S = 60.0


def fill(context: RunContext) -> None:
    """Fill the targets that are not known to be filled."""
    numbers = context.storage_numbers()
    fills = _attempts(context) if numbers else {}
    if fills:
        size_bytes = sum(_fill_bytes(context, agent, numbers) for agent in fills)
        context.announce.tell(EventKind.TRIAL_STARTED, trial=FILL, what=FILL, size_bytes=size_bytes)
        losses.ask(context, fills, lambda each: _start_fill(context, each, fills[each], numbers))
        # numpy and scipy load while the fill runs: not between the first trials, where it shows.
        import_module("storperf.engine.trial_tables")
        _finish_fill(context, fills)


def verify_fill(context: RunContext, agent: Agent) -> list[contents.Record | None]:
    """What the filled targets hold; FioFailed when fio said more than it did."""
    found = contents.inspect(context, agent)
    unwritten = contents.unwritten_of(found)
    if unwritten:
        raise FioFailed(
            f"{agent.name}: fio says the targets are filled, but they are not: "
            f"{'; '.join(unwritten)}",
            agent=agent.name,
        )
    return found


def remember_fill(context: RunContext, agent: Agent) -> None:
    """Let the agent keep the proof for the next run, which need not fill its devices again."""
    agent.call("remember_fill", how=_how(context), **contents.places(context))


def _how(context: RunContext) -> str:
    asked = context.job.precondition
    return f"{asked.passes} x in blocks of {asked.block_size_bytes} bytes"


def _attempts(context: RunContext) -> dict[Agent, int]:
    """The attempt to make, or to go on with, on each agent whose targets are not filled."""
    found = {}
    for agent in context.present():
        past = past_of(agent, FILL)
        if past.is_done:
            continue
        for is_proven in losses.ask(context, [agent], partial(_is_proven, context)).values():
            if not is_proven:
                found[agent] = past.attempt
    return found


def _fill_bytes(context: RunContext, agent: Agent, numbers: list[int]) -> int:
    sizes: list[int] = [context.prepared[agent.name][number]["size_bytes"] for number in numbers]
    return context.job.precondition.passes * sum(sizes)


def _start_fill(context: RunContext, agent: Agent, attempt: int, numbers: list[int]) -> None:
    """Start the fill on an agent; one that runs already goes on."""
    prepared = context.prepared[agent.name]
    targets = [
        {
            "target": number,
            "argv": render_fill(
                context.job,
                context.target_on(agent, number),
                fio=context.fio_on(agent),
                filenames=prepared[number]["filenames"],
            ),
        }
        for number in numbers
    ]
    size_bytes = _fill_bytes(context, agent, numbers)
    agent.call(
        "start",
        trial=FILL,
        attempt=attempt,
        what="fill",
        deadline_s=size_bytes / SLOWEST_BYTES_PER_S + _FILL_GRACE_S,
        targets=targets,
    )


def _is_proven(context: RunContext, agent: Agent) -> bool:
    """Whether an earlier run filled the same devices in the same way, and nothing changed since."""
    asked = context.job.precondition
    kinds = {context.targets()[number].kind for number in context.storage_numbers()}
    if asked.refill or asked.purge or kinds != {TargetKind.DEVICE}:
        return False
    found = agent.call("recall_fill", how=_how(context))
    context.store.set_run_facts(context.run_id, {f"fill_recalled.{agent.name}": found})
    if not found["is_filled"]:
        return False
    since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(min(found["since_s"])))
    context.announce.note(
        f"{agent.name}: the fill is left out: it was done at {since}, and nothing was written since"
    )
    return True


def _finish_fill(context: RunContext, fills: dict[Agent, int]) -> None:
    written: dict[tuple[str, int], int] = {}

    def progress(name: str, record: dict[str, Any]) -> None:
        if record["kind"] == "progress":
            key = (name, record["target"])
            written[key] = written.get(key, 0) + record["bytes"]
            context.announce.tell(EventKind.PROGRESS, trial=FILL, done_bytes=sum(written.values()))

    agents = [agent for agent in fills if agent.name not in context.lost]
    attempts = {agent.name: (FILL, fills[agent]) for agent in agents}
    ends = waiting.Waiting(context, agents, attempts, progress).run()
    context.announce.tell(EventKind.TRIAL_ENDED, trial=FILL, what=FILL)
    for name, ended in losses.records_of_the_rest(context, agents, ends).items():
        _check_filled(context, name, ended)


def _check_filled(context: RunContext, name: str, ended: dict[str, Any]) -> None:
    """FioFailed when an agent's targets are not what a fill leaves."""
    failure = explain_end(ended)
    if failure is not None:
        raise FioFailed(f"{name}: filling the target failed: {failure.sentence}")
    for target in ended["targets"]:
        size_bytes = context.prepared[name][target["target"]]["size_bytes"]
        wanted = size_bytes * context.job.precondition.passes
        if target["bytes"]["write"] < wanted:
            raise FioFailed(
                f"{name}: fio says the target is filled, but wrote only "
                f"{target['bytes']['write']} of {wanted} bytes"
            )
