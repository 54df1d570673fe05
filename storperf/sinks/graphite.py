"""A run's Graphite: points by a spool to Carbon, events to graphite-web, what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from storperf.deadline import Deadline
from storperf.sinks.backlog import Backlog, Limits
from storperf.sinks.carbon import CarbonCount, CarbonSender
from storperf.sinks.entries import Entry
from storperf.sinks.events import EventSender, Happening
from storperf.sinks.read_back import Confirmation, ReadBack, read_back, unconfirmed
from storperf.sinks.spool import Owner, Spool, is_in_use, owner_of
from storperf.sinks.witness import Witness

# What the end of a run may be delayed by; documented in docs/reference/graphite.md.
FLUSH_S = 3.0
READ_BACK_S = 10.0
_LONG_RUN_SHARE = 0.01
# graphite-web looks for each of them in a folder, and asks Carbon for what is in its memory.
_SERIES_S = 0.001


class GraphiteSink:
    """Takes entries and events without ever waiting, until it is closed.

    `spools` is the folder of all spools; the sink's own is below it and outlives the process
    as long as something in it may be missing in Graphite.
    """

    def __init__(
        self,
        spools: Path,
        owner: Owner,
        monotonic: Callable[[], float] = time.monotonic,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self.address = owner.graphite
        self.shares_names_with = sharing_names(spools, owner)
        self._monotonic = monotonic
        self._epoch = epoch
        self._begun_s = monotonic()
        self._spool = Spool(spools / owner.run, owner)
        limits = Limits(size_bytes=self.address.spool_bytes, age_s=self.address.spool_age_s)
        self._backlog = Backlog(self._spool.arrivals, limits, fresh=self._spool.fresh)
        self._witness = Witness()
        self._carbon = CarbonSender(self.address, self._backlog, self._witness)
        self._events = EventSender(self.address.web) if self.address.web else None

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries."""
        self._spool.put(entries)
        self._carbon.wake()

    def tell(self, happening: Happening) -> None:
        """Take an event; without a web address there is nobody to tell."""
        if self._events is not None:
            self._events.put(happening)

    def news(self) -> Iterator[str]:
        """What has to be told of the points since the last call, each thing once in a run."""
        news = self._backlog.news
        while not news.empty():
            yield news.get()

    def close(self, flush_s: float = FLUSH_S) -> dict[str, object]:
        """Send what is left, look whether it can be read; plain facts of what became of it.

        `is_complete` is true when Carbon has read every point and the read-back misses none.
        """
        deadline = Deadline.after(flush_s)
        is_flushed = self._carbon.flush(deadline)
        events = None if self._events is None else self._events.close(deadline)
        found = self._read_back(is_flushed=is_flushed)
        # Carbon has the summary in its memory; a resumed run may still need what is in the files.
        is_all_there = is_flushed and found.state is not Confirmation.MISSING
        count = self._end(is_all_there=is_all_there)
        is_complete = is_all_there and not count.dropped and not count.unconfirmed
        return {
            "host": self.address.host,
            "port": self.address.port,
            "web": self.address.web,
            "required": self.address.required,
            "is_complete": is_complete,
            "points": asdict(count),
            "read_back": asdict(found),
            "spool": None if is_all_there else str(self._spool.folder),
            "spool_fault": self._spool.fault,
            "shares_names_with": list(self.shares_names_with),
            "events": None if events is None else asdict(events),
        }

    # --- in detail -----------------------------------------------------------------------

    def _read_back(self, *, is_flushed: bool) -> ReadBack:
        """Read back; what is missing is sent once more before it is called so."""
        sent = dict(self._witness.series) if is_flushed else {}
        if not is_flushed:
            return unconfirmed(0, f"not all was sent: {self._carbon.last_error}")
        length_s = self._monotonic() - self._begun_s
        patience_s = max(READ_BACK_S, _LONG_RUN_SHARE * length_s) + _SERIES_S * len(sent)
        deadline = Deadline.after(patience_s)
        half = Deadline.after(deadline.remaining_s() / 2)
        found = read_back(self.address.web, sent, half, self._epoch)
        if found.state is Confirmation.MISSING:
            self._carbon.resend()
            if self._carbon.flush(deadline):
                found = read_back(self.address.web, sent, deadline, self._epoch)
        return found

    def _end(self, *, is_all_there: bool) -> CarbonCount:
        self._spool.close_segment()
        backlog = self._backlog
        lost = 0
        if self._carbon.stop():
            lost = backlog.close(is_all_done=is_all_there)
        self._spool.close(is_removed=is_all_there)
        offered = self._spool.offered + backlog.inherited
        waiting = max(0, offered - backlog.sent - backlog.dropped - backlog.thinned - lost)
        return CarbonCount(
            offered=offered,
            confirmed=backlog.confirmed,
            unconfirmed=backlog.sent - backlog.confirmed,
            waiting=waiting,
            thinned=backlog.thinned,
            dropped=backlog.dropped + lost,
            in_memory=self._spool.in_memory,
            damaged=backlog.damaged,
            reconnects=self._carbon.losses,
            last_error=self._carbon.last_error,
        )


def sharing_names(spools: Path, owner: Owner) -> tuple[str, ...]:
    """Other runs that send to the same series of the same Graphite right now."""
    found = []
    for folder in sorted(spools.glob("*")):
        other = owner_of(folder)
        if other is None or other.run == owner.run:
            continue
        is_same = (other.lab, other.job) == (owner.lab, owner.job) and other.sends_to(owner)
        if is_same and is_in_use(folder):
            found.append(other.run)
    return tuple(found)
