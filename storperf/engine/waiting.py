"""Waiting for a trial on an agent: through broken channels, up to its end or a cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from storperf.deadline import Deadline
from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.errors import AgentLost, Cancelled

log = logging.getLogger(__name__)

Record = dict[str, Any]

_POLL_S = 0.1
_CANCEL_LOOK_S = 1.0
_STOP_S = 30.0


def for_end(
    context: RunContext,
    agent: Agent,
    trial: str,
    attempt: int,
    listen: Callable[[Record], None],
) -> Record:
    """The record of the attempt's end; every record of the attempt goes to `listen` once.

    What the manager's copy of the journal holds already (a resumed run) comes first.
    Cancelled: the trial was stopped, its end is journalled, then the exception is raised.
    """
    seen = 0
    for record in agent.journal.since(trial, attempt):
        seen = record["n"]
        if _is_of(record, trial, attempt):
            listen(record)
            if record["kind"] == "trial_ended":
                return record
    look = Deadline.after(_CANCEL_LOOK_S)
    while True:
        if look.is_over:
            look_for_cancel(context)
            look = Deadline.after(_CANCEL_LOOK_S)
        if context.cancel.is_requested:
            _stop(agent, trial, attempt, listen, seen)
            context.cancel.check()
        ended, seen = _read(context, agent, (trial, attempt), listen, seen)
        if ended is not None:
            return ended


def _is_of(record: Record, trial: str, attempt: int) -> bool:
    return bool(record.get("trial") == trial and record.get("attempt") == attempt)


def look_for_cancel(context: RunContext) -> None:
    """Take up a cancel that another process asked for through the store."""
    if context.store.cancel_requested(context.run_id):
        context.cancel.request("asked by storperf cancel")


def _read(
    context: RunContext,
    agent: Agent,
    key: tuple[str, int],
    listen: Callable[[Record], None],
    seen: int,
) -> tuple[Record | None, int]:
    """Hand on what came; after a loss attach again and go on behind the last record."""
    try:
        return _drain(agent, key, listen, seen)
    except AgentLost as error:
        log.warning("%s", error)
        context.announce.note(f"{agent.name} is lost, attaching again: {error.message}")
        agent.reattach(context.cancel)
        return None, seen


def _drain(
    agent: Agent, key: tuple[str, int], listen: Callable[[Record], None], seen: int
) -> tuple[Record | None, int]:
    ended = None
    for record in agent.records(_POLL_S):
        if record["n"] <= seen:
            continue
        seen = record["n"]
        if _is_of(record, *key):
            listen(record)
            if record["kind"] == "trial_ended":
                ended = record
    return ended, seen


def _stop(
    agent: Agent, trial: str, attempt: int, listen: Callable[[Record], None], seen: int
) -> None:
    """Stop the trial and hear its end, so that what was measured is whole."""
    try:
        agent.call("stop", trial=trial, attempt=attempt, why="cancelled")
        patience = Deadline.after(_STOP_S)
        ended = None
        while ended is None and not patience.is_over:
            ended, seen = _drain(agent, (trial, attempt), listen, seen)
    except AgentLost as error:
        raise Cancelled(f"cancelled; the agent was lost meanwhile: {error}") from error
