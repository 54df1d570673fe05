"""The fill: every target written in full once, by fio, and looked at afterwards."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from storperf.engine import contents, waiting
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.trial_end import explain_end
from storperf.errors import FioFailed
from storperf.fio.render import render_fill
from storperf.model.job import TargetKind

FILL = "fill"
# A fill that is slower than this is taken for hung.
SLOWEST_BYTES_PER_S = 2 << 20
_FILL_GRACE_S = 60.0


def fill(context: RunContext) -> None:
    """Fill the targets that are not known to be filled, and see that all of them are."""
    numbers = [
        number
        for number, target in enumerate(context.targets())
        if target.kind is not TargetKind.NULL
    ]
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


def _start_fill(context: RunContext, agent: Agent, numbers: list[int]) -> int | None:
    """Start the fill on an agent; its attempt, None when the targets are filled already."""
    attempt, is_filled = _fill_history(agent)
    if is_filled:
        return None
    prepared = context.prepared[agent.name]
    targets = [
        {
            "target": number,
            "argv": render_fill(
                context.job,
                context.targets()[number],
                fio=context.job.provider.fio,
                filenames=prepared[number]["filenames"],
            ),
        }
        for number in numbers
    ]
    size_bytes = sum(prepared[number]["size_bytes"] for number in numbers)
    context.announce.tell(EventKind.TRIAL_STARTED, trial=FILL, what=FILL, size_bytes=size_bytes)
    agent.call(
        "start",
        trial=FILL,
        attempt=attempt,
        what="fill",
        deadline_s=size_bytes / SLOWEST_BYTES_PER_S + _FILL_GRACE_S,
        targets=targets,
    )
    return attempt


def _fill_history(agent: Agent) -> tuple[int, bool]:
    """The attempt to make or to go on with, and whether the targets are filled already.

    A fill is worth nothing once a target was made anew, which the journal tells.
    """
    attempt, is_filled, is_open = 0, False, False
    for record in agent.journal.records():
        if record["kind"] == "target_created":
            is_filled = False
        elif record.get("trial") == FILL and record["kind"] == "trial_started":
            attempt, is_open = record["attempt"], True
        elif record.get("trial") == FILL and record["kind"] == "trial_ended":
            is_open = False
            is_filled = explain_end(record) is None
    return (attempt if is_open else attempt + 1), is_filled


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
        wanted = prepared[target["target"]]["size_bytes"]
        if target["bytes"]["write"] < wanted:
            raise FioFailed(
                f"{agent.name}: fio says the target is filled, but wrote only "
                f"{target['bytes']['write']} of {wanted} bytes"
            )
