"""Waiting for a trial on an agent: through broken channels, up to its end or a cancel."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from storperf.deadline import Deadline
from storperf.engine.agents import Agent
from storperf.engine.cancel import Cancel
from storperf.engine.context import RunContext
from storperf.errors import AgentLost
from storperf.model.job import OnLostAgent

log = logging.getLogger(__name__)

Record = dict[str, Any]
Listen = Callable[[str, Record], None]

_POLL_S = 0.1
_CANCEL_LOOK_S = 1.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How an attempt ended: each agent's record of its end, and those that stayed lost.

    After a cancel both may lack agents that did not end in time.
    """

    records: dict[str, Record]
    lost: dict[str, AgentLost]


class Waiting:
    """Hears one attempt on several agents to its end, all at the same time.

    Every record of the attempt goes to `listen` once, with the name of its agent and in the
    agent's order.  A cancel stops the attempt, and what is then journalled is still heard.
    A lost agent is sought in a thread of its own, while the others are heard; `lose` is told
    the name of one that stays lost.  Where that ends the run the others are stopped: what they
    would still measure is of no use.  `meanwhile` is called again and again; it must not wait.
    """

    def __init__(  # noqa: PLR0913 - whom it hears and whom it tells
        self,
        context: RunContext,
        agents: Sequence[Agent],
        attempts: Mapping[str, tuple[str, int]],
        listen: Listen,
        *,
        lose: Callable[[str], None] = lambda _name: None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self._context = context
        self._lose = lose
        self._meanwhile = meanwhile
        self._hearings = [_Hearing(agent, attempts[agent.name], listen) for agent in agents]
        self._why = ""

    def stop(self, why: str) -> None:
        """Have the attempt stopped on every agent; `listen` may ask for it.  The first counts."""
        self._why = self._why or why

    def run(self) -> Ends:
        """Hear until the end of all of them."""
        patience: Deadline | None = None
        look = Deadline.after(_CANCEL_LOOK_S)
        with ThreadPoolExecutor(
            max(1, len(self._hearings)), thread_name_prefix="reattach"
        ) as threads:
            for hearing in self._hearings:
                hearing.catch_up()
            while waited := [hearing for hearing in self._hearings if hearing.is_open]:
                if look.is_over:
                    look_for_cancel(self._context)
                    look = Deadline.after(_CANCEL_LOOK_S)
                if self._context.cancel.is_requested and patience is None:
                    self.stop("cancelled")
                    patience = Deadline.after(_STOP_S)
                if patience is not None and patience.is_over:
                    break
                self._meanwhile()
                # One is waited for, all others are asked: ten rounds a second, however many.
                for hearing in waited:
                    self._turn(hearing, threads, _POLL_S if hearing is waited[0] else 0.0)
        return Ends(
            records={each.name: each.ended for each in self._hearings if each.ended is not None},
            lost={each.name: each.lost for each in self._hearings if each.lost is not None},
        )

    def _turn(self, hearing: _Hearing, threads: ThreadPoolExecutor, wait_s: float) -> None:
        if hearing.is_sought:
            hearing.look_whether_found(self._context.cancel, wait_s)
            if hearing.lost is not None:
                if self._context.job.provider.on_lost_agent is OnLostAgent.FAIL:
                    self.stop(f"{hearing.name} stays lost")
                self._lose(hearing.name)
            return
        try:
            hearing.pass_on_stop(self._why)
            hearing.wait(wait_s)
        except AgentLost as error:
            log.warning("%s", error)
            self._context.announce.note(f"{hearing.name} is lost, attaching again: {error.message}")
            hearing.seek(threads, self._context.cancel)


def look_for_cancel(context: RunContext) -> None:
    """Take up a cancel that another process asked for through the store."""
    if context.store.cancel_requested(context.run_id):
        context.cancel.request("asked by storperf cancel")


class _Hearing:
    """What was heard of one attempt on one agent; each record counts once."""

    def __init__(self, agent: Agent, key: tuple[str, int], listen: Listen) -> None:
        self.name = agent.name
        self.ended: Record | None = None
        self.lost: AgentLost | None = None
        self._agent = agent
        self._key = key
        self._listen = listen
        self._seen = 0
        self._is_stopped = False
        self._search: Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether its end is still to come."""
        return self.ended is None and self.lost is None

    @property
    def is_sought(self) -> bool:
        """Whether a thread has the agent, to attach it again."""
        return self._search is not None

    def catch_up(self) -> None:
        """Hear what the manager's copy of the journal holds.

        After a resume that is what came before; after a loss it is also what the broken
        channel had delivered and nobody had taken.
        """
        self._hear(self._agent.journal.since(*self._key))

    def wait(self, wait_s: float) -> None:
        """Hear what comes within a moment; AgentLost when the channel broke."""
        self._hear(self._agent.records(wait_s))

    def pass_on_stop(self, why: str) -> None:
        """Stop the trial, once, so that what was measured is whole."""
        if why and not self._is_stopped:
            trial, attempt = self._key
            self._agent.call("stop", trial=trial, attempt=attempt, why=why)
            self._is_stopped = True

    def seek(self, threads: ThreadPoolExecutor, cancel: Cancel) -> None:
        """Attach again in a thread; until then the agent is that thread's alone."""
        self._search = threads.submit(self._agent.reattach, cancel)

    def look_whether_found(self, cancel: Cancel, wait_s: float) -> None:
        """Go on hearing once the agent is attached again; `lost` when it stays lost."""
        search = self._search
        if search is None or not search.done():
            cancel.wait(wait_s)
            return
        self._search = None
        error = search.exception()
        if isinstance(error, AgentLost):
            self.lost = error
        elif error is not None:
            raise error
        else:
            self.catch_up()

    def _hear(self, records: Iterable[Record]) -> None:
        for record in records:
            if record["n"] <= self._seen:
                continue
            self._seen = record["n"]
            if (record.get("trial"), record.get("attempt")) == self._key:
                self._listen(self.name, record)
                if record["kind"] == "trial_ended":
                    self.ended = record
