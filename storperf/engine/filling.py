"""The fill: every target written in full by fio, and looked at afterwards."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from storperf.engine import contents, waiting
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
    started = {agent: _start_fill(context, agent, numbers) for agent in context.agents if numbers}
    fills = {agent: attempt for agent, attempt in started.items() if attempt is not None}
    if fills:
        # numpy and scipy load while the fill runs: not between the first trials, where it shows.
        import_module("storperf.engine.trial_tables")
    for agent, attempt in fills.items():
        _finish_fill(context, agent, attempt)


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


def _start_fill(context: RunContext, agent: Agent, numbers: list[int]) -> int | None:
    """Start the fill on an agent; its attempt, None when the targets are filled already."""
    past = past_of(agent, FILL)
    if past.is_done or _is_proven(context, agent):
        return None
    prepared = context.prepared[agent.name]
    targets = [
        {
            "target": number,
            "argv": render_fill(
                context.job,
                context.target_on(agent, number),
                fio=context.job.provider.fio,
                filenames=prepared[number]["filenames"],
            ),
        }
        for number in numbers
    ]
    passes = context.job.precondition.passes
    size_bytes = passes * sum(prepared[number]["size_bytes"] for number in numbers)
    context.announce.tell(EventKind.TRIAL_STARTED, trial=FILL, what=FILL, size_bytes=size_bytes)
    agent.call(
        "start",
        trial=FILL,
        attempt=past.attempt,
        what="fill",
        deadline_s=size_bytes / SLOWEST_BYTES_PER_S + _FILL_GRACE_S,
        targets=targets,
    )
    return past.attempt


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


def _finish_fill(context: RunContext, agent: Agent, attempt: int) -> None:
    prepared = context.prepared[agent.name]
    written: dict[int, int] = {}

    def progress(record: dict[str, Any]) -> None:
        if record["kind"] == "progress":
            number = record["target"]
            written[number] = written.get(number, 0) + record["bytes"]
            context.announce.tell(EventKind.PROGRESS, trial=FILL, done_bytes=sum(written.values()))

    ended = waiting.for_end(context, agent, FILL, attempt, progress)
    context.announce.tell(EventKind.TRIAL_ENDED, trial=FILL, what=FILL)
    failure = explain_end(ended)
    if failure is not None:
        raise FioFailed(f"{agent.name}: filling the target failed: {failure.sentence}")
    for target in ended["targets"]:
        wanted = prepared[target["target"]]["size_bytes"] * context.job.precondition.passes
        if target["bytes"]["write"] < wanted:
            raise FioFailed(
                f"{agent.name}: fio says the target is filled, but wrote only "
                f"{target['bytes']['write']} of {wanted} bytes"
            )
