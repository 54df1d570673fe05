"""The seam between the engine and where an agent is."""

from __future__ import annotations

from typing import Protocol

from storperf.deadline import Deadline
from storperf.remote.client import Stream
from storperf.remote.pack import AgentPackage


class Remote(Protocol):
    """A place that an agent is brought to.  Calls come from one thread at a time.

    Every method may be called again, also after a lost channel: a remote connects when it
    has to.  What cannot be reached, now or at all, is AgentLost; what no second try mends is
    another InfrastructureError or a UsageError.
    """

    @property
    def fio(self) -> str | None:
        """The path of a fio that was staged beside the agent; None: the host's own is meant."""

    def stage(self, package: AgentPackage, deadline: Deadline) -> None:
        """Put the agent there, unless it is; comes before `open`."""

    def open(self, run: str, deadline: Deadline) -> Stream:
        """A channel to the run's supervisor, which is started when there is none.

        Whoever opens it closes it; the supervisor goes on.
        """

    def remains(self, run: str, deadline: Deadline) -> str | None:
        """Where the run's folder still stands when the deadline is over; None once it is gone."""

    def close(self) -> None:
        """Give up what connects to it; may be called twice.  An open stream stays open."""
