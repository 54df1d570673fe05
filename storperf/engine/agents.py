"""The run's agents as the phases see them: reachable again after a broken channel."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from storperf.agent import frames
from storperf.deadline import Deadline
from storperf.engine.cancel import Cancel
from storperf.errors import AgentLost, StoreError, StorperfError
from storperf.providers.provider import AgentPlace
from storperf.remote.client import PROTOCOL, AgentClient
from storperf.remote.journal_copy import JournalCopy
from storperf.remote.pack import AgentPackage

log = logging.getLogger(__name__)

# One word over SSH takes an emulated guest on a busy machine more than five seconds.
_GONE_S = 20.0
_LONGEST_PAUSE_S = 15.0
PING_EVERY_S = 10.0
# So many pings fit into a lease: one that is late, or lost, ends nothing.
_PINGS_A_LEASE = 4
# To make a file system on a large device, or a file where allocating is writing, takes its time.
_PREPARE_S = 900.0


class Agent:
    """One agent of a run, attached.

    `was_reached`: something of the run may stand on its host.  `was_replaced`: another supervisor
    answers than at first, and nobody saw what became of the targets in between.
    """

    def __init__(
        self, run_id: str, place: AgentPlace, package: AgentPackage, journal: JournalCopy
    ) -> None:
        self.name = place.name
        self.place = place
        self.journal = journal
        self.was_reached = journal.last > 0
        self.was_replaced = False
        self._run = run_id
        self._package = package
        self._client: AgentClient | None = None
        self._targets: list[dict[str, object]] | None = None
        self._ping_every_s = min(PING_EVERY_S, place.lease_s / _PINGS_A_LEASE)
        self._ping = Deadline.after(self._ping_every_s)
        self._pid: int | None = None
        self._sought_since_s: float | None = None

    def attach(self) -> None:
        """Stage the agent, open the channel, follow its journal; targets are taken again."""
        self.attach_deaf()
        self._catch_up(self._attached().follow())
        if self._targets is not None:
            self._prepare(self._targets)

    def attach_deaf(self) -> int:
        """The same without its journal: for a manager that has no room for it.

        The number of the journal's last record.
        """
        self.detach()
        within = Deadline.after(self.place.attach_s)
        self.place.remote.stage(self._package, within)
        self.was_reached = True
        stream = self.place.remote.open(self._run, within)
        self._client = AgentClient(self.name, stream, self.journal)
        hello = self._client.call("hello", Deadline.after(30), lease_s=self.place.lease_s)
        if hello["protocol"] != PROTOCOL:
            raise AgentLost(f"{self.name} speaks protocol {hello['protocol']}, we {PROTOCOL}")
        self.was_replaced = self.was_replaced or self._pid not in (None, hello["pid"])
        self._pid = hello["pid"]
        return int(hello["last"])

    @property
    def sought_for_s(self) -> float:
        """How long it has been sought since it was lost; 0 for one that was not."""
        return 0.0 if self._sought_since_s is None else time.monotonic() - self._sought_since_s

    def detach(self) -> None:
        """Close the channel; the agent goes on."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def leave(self) -> None:
        """Close the channel and what connects to the host."""
        self.detach()
        self.place.remote.close()

    def call(self, command: str, **arguments: Any) -> frames.Message:
        """A command's reply."""
        return self._attached().call(command, Deadline.after(self.place.call_s), **arguments)

    def forget(self, *, keep: bool) -> list[str]:
        """End the supervisor; without `keep` the run's folder goes too.  What did not go."""
        self.call("shutdown", forget=not keep, leave=self.place.leaves)
        self.detach()
        if keep:
            return []
        where = self.place.remote.remains(self._run, Deadline.after(_GONE_S))
        return [] if where is None else [f"{self.name}: {where}"]

    def prepare(self, targets: list[dict[str, object]]) -> list[dict[str, Any]]:
        """Take targets; remembered, so that they are taken again after a lost agent."""
        prepared = self._prepare(targets)
        self._targets = targets
        return prepared

    def release(self) -> list[str]:
        """Give the targets back; what could not be removed."""
        self._targets = None
        left: list[str] = self.call("release")["left"]
        return left

    def records(self, wait_s: float) -> Iterator[frames.Message]:
        """Records that have come; keeps the lease alive."""
        self.keep_lease()
        return self._attached().records(wait_s)

    def keep_lease(self) -> None:
        """Renew the lease when it is time; AgentLost when the last ping was not answered."""
        if self._ping.is_over:
            self._attached().ping(Deadline.after(self.place.call_s))
            self._ping = Deadline.after(self._ping_every_s)

    def fetch(self, trial: str, attempt: int, target: int, which: str) -> Iterator[bytes]:
        """A trial's raw output."""
        return self._attached().fetch(trial, attempt, target, which)

    def reattach(self, cancel: Cancel) -> None:
        """Attach again after a loss, with growing pauses; AgentLost when it stays lost.

        A cancel ends the pauses: then it is tried once more.  A host that can be reached and is
        not what it was (another key, no target, no room) is lost as well.
        """
        self._sought_since_s = time.monotonic()
        patience = Deadline.after(self.place.patience_s)
        for number in count():
            is_last = cancel.is_requested
            try:
                self.attach()
            except AgentLost as error:
                log.warning("%s is lost (%s); try %d", self.name, error, number + 1)
                if is_last or patience.is_over:
                    raise
                cancel.wait(min(2.0**number, _LONGEST_PAUSE_S, patience.remaining_s()))
            except StoreError:
                raise
            except StorperfError as error:
                raise AgentLost(f"{self.name} is not what it was: {error.message}") from error
            else:
                self._sought_since_s = None
                return

    def _prepare(self, targets: list[dict[str, object]]) -> list[dict[str, Any]]:
        deadline = Deadline.after(_PREPARE_S)
        prepared: list[dict[str, Any]]
        prepared = self._attached().call("prepare", deadline, targets=targets)["targets"]
        return prepared

    def _catch_up(self, last: int) -> None:
        """Wait until the copy of the journal holds what the agent's own held when we came."""
        deadline = Deadline.after(self.place.call_s)
        while self.journal.last < last:
            if deadline.is_over:
                raise AgentLost(f"{self.name} does not send its journal: {last} records")
            self.call("ping")  # takes in what comes before its reply

    def _attached(self) -> AgentClient:
        if self._client is None:
            raise AgentLost(f"{self.name} is not attached")
        return self._client


def make_agent(run_id: str, place: AgentPlace, package: AgentPackage, folder: Path) -> Agent:
    """An agent of a run, with the manager's copy of its journal in `folder`."""
    return Agent(run_id, place, package, JournalCopy(folder / f"{place.name}.journal"))
