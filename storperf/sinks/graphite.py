"""A run's Graphite: points to Carbon, events to graphite-web, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from storperf.deadline import Deadline
from storperf.model.job import Graphite
from storperf.sinks.carbon import CarbonSender
from storperf.sinks.events import EventSender, Happening
from storperf.sinks.points import Point

# What the end of a run may be delayed by; documented in docs/reference/graphite.md.
FLUSH_S = 3.0


class GraphiteSink:
    """Takes points and events without ever waiting, until it is closed."""

    def __init__(self, address: Graphite) -> None:
        self.address = address
        self._carbon = CarbonSender(address.host, address.port)
        self._events = EventSender(address.web) if address.web else None

    def put(self, points: Iterable[Point]) -> None:
        """Take points."""
        self._carbon.put(points)

    def tell(self, happening: Happening) -> None:
        """Take an event; without a web address there is nobody to tell."""
        if self._events is not None:
            self._events.put(happening)

    def close(self) -> dict[str, object]:
        """Send what is left, `FLUSH_S` at most; plain facts of what became of everything.

        `is_complete` is true when Carbon has read every point.
        """
        deadline = Deadline.after(FLUSH_S)
        count = self._carbon.close(deadline)
        events = None if self._events is None else self._events.close(deadline)
        return {
            "host": self.address.host,
            "port": self.address.port,
            "web": self.address.web,
            "required": self.address.required,
            "is_complete": count.confirmed == count.offered,
            "points": asdict(count),
            "events": None if events is None else asdict(events),
        }
