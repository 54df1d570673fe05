"""Waiting for a trial on an agent: through broken channels, up to its end or a cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
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

    Cancelled: the trial was stopped, its end is journalled, then the exception is raised.
    """
    hearing = _Hearing(agent, trial, attempt, listen)
    hearing.catch_up()
    look = Deadline.after(_CANCEL_LOOK_S)
    while hearing.ended is None:
        if look.is_over:
            look_for_cancel(context)
            look = Deadline.after(_CANCEL_LOOK_S)
        if context.cancel.is_requested:
            hearing.stop()
            context.cancel.check()
        try:
            hearing.wait()
        except AgentLost as error:
            log.warning("%s", error)
            context.announce.note(f"{agent.name} is lost, attaching again: {error.message}")
            agent.reattach(context.cancel)
            hearing.catch_up()
    return hearing.ended


def look_for_cancel(context: RunContext) -> None:
    """Take up a cancel that another process asked for through the store."""
    if context.store.cancel_requested(context.run_id):
        context.cancel.request("asked by storperf cancel")


class _Hearing:
    """What was heard of one attempt on one agent; each record counts once."""

    def __init__(
        self, agent: Agent, trial: str, attempt: int, listen: Callable[[Record], None]
    ) -> None:
        self.ended: Record | None = None
        self._agent = agent
        self._key = (trial, attempt)
        self._listen = listen
        self._seen = 0

    def catch_up(self) -> None:
        """Hear what the manager's copy of the journal holds.

        After a resume that is what came before; after a loss it is also what the broken
        channel had delivered and nobody had taken.
        """
        self._hear(self._agent.journal.since(*self._key))

    def wait(self) -> None:
        """Hear what comes within a moment; AgentLost when the channel broke."""
        self._hear(self._agent.records(_POLL_S))

    def stop(self) -> None:
        """Stop the trial and hear its end, so that what was measured is whole."""
        trial, attempt = self._key
        try:
            self._agent.call("stop", trial=trial, attempt=attempt, why="cancelled")
            patience = Deadline.after(_STOP_S)
            while self.ended is None and not patience.is_over:
                self.wait()
        except AgentLost as error:
            raise Cancelled(f"cancelled; the agent was lost meanwhile: {error}") from error

    def _hear(self, records: Iterable[Record]) -> None:
        for record in records:
            if record["n"] <= self._seen:
                continue
            self._seen = record["n"]
            if (record.get("trial"), record.get("attempt")) == self._key:
                self._listen(record)
                if record["kind"] == "trial_ended":
                    self.ended = record
