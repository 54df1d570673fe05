"""The reading end of a spool: what is to be sent next, again, or no more.

Carbon acknowledges nothing.  So what was sent is kept until a connection that carried it has been
read to its end, and two minutes longer, which is more than Carbon needs to write it to its disk;
after every break all of that is sent again.
"""

from __future__ import annotations

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from storperf.sinks.entries import Entry, count_of, encode
from storperf.sinks.fresh import Fresh
from storperf.sinks.segments import Position, Segment, SegmentReader
from storperf.sinks.thinning import WINDOW_S, thin

log = logging.getLogger(__name__)

KEPT_S = 120.0
# Servers keep single seconds for about a day (docs/reference/graphite.md); an older one would
# stand for ten of them in the next archive.
FINE_S = 86_400.0
_MEMORY_BYTES = 32 << 20
_LOOK_S = 1.0
_FULL = "the spool for Graphite is full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is kept, and for how long."""

    size_bytes: int
    age_s: float


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float
    position: Position
    points: int


class Backlog:
    """One reader's view of a spool.  All of it is called by one thread."""

    def __init__(
        self,
        arrivals: queue.SimpleQueue[Segment],
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
        fresh: Fresh | None = None,
    ) -> None:
        self.inherited = self.dropped = self.thinned = self.damaged = 0
        # Sentences about what had to go, for whoever watches; another thread reads them.
        self.news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._arrivals = arrivals
        self._fresh = fresh or Fresh()
        self._limits = limits
        self._monotonic = monotonic
        self._segments: list[Segment] = []
        self._reader: SegmentReader | None = None
        self._points = 0
        start = _Mark(float("-inf"), Position(0, 0), 0)
        self._marks: deque[_Mark] = deque((start,))
        self._confirmed = start
        self._unsure = 0
        self._looked_s = float("-inf")

    @property
    def confirmed(self) -> int:
        """Points that Carbon has read."""
        return self._confirmed.points - self._unsure

    @property
    def sent(self) -> int:
        """Points that left, whether or not Carbon has read them."""
        return self._marks[-1].points

    @property
    def ahead_bytes(self) -> int:
        """What is to be sent yet."""
        place = self._place()
        ahead = sum(each.size for each in self._segments if each.number >= place.number)
        here = any(each.number == place.number for each in self._segments)
        return ahead - (place.offset if here else 0)

    def next(self) -> list[Entry]:
        """The next entries to send, none when there are none; `mark_sent` says that they left."""
        self._tidy()
        while True:
            if self._reader is None and not self._go_on():
                return []
            reader = self._reader
            assert reader is not None  # noqa: S101 - for the type checker
            is_closed = reader.segment.closed
            entries = self._fresh.take(reader) or reader.read()
            if entries:
                return entries
            self.damaged += reader.is_torn
            if not is_closed or not self._go_on():
                return []

    def mark_sent(self, points: int) -> None:
        """What `next` gave last has left; it came to so many points."""
        if self._reader is not None:
            self._points += points
            mark = _Mark(self._monotonic(), self._reader.position, self._points)
            self._marks.append(mark)

    def confirm(self) -> None:
        """Carbon has read all that left."""
        self._confirmed = self._marks[-1]
        self._forget_old()

    def rewind(self) -> None:
        """Start again with the oldest that is kept."""
        self._forget_old()
        floor = self._marks[0]
        self._marks = deque((floor,))
        self._points = floor.points
        self._reader = None

    def close(self, *, is_all_done: bool) -> int:
        """Give the files up: removed when all is done, else kept for who comes next.

        Gives how many points were in memory alone and are lost with it.
        """
        self._take_arrivals()
        lost = 0
        for segment in self._segments:
            if is_all_done:
                segment.remove()
                continue
            if segment.path is None:
                lost += self._never_sent(segment)
            segment.release()
        self._segments = []
        return lost

    def _never_sent(self, segment: Segment) -> int:
        place = self._place()
        if segment.number < place.number:
            return 0
        offset = place.offset if segment.number == place.number else 0
        return sum(map(count_of, segment.entries(offset)))

    # --- where it reads ------------------------------------------------------------------

    def _go_on(self) -> bool:
        """Read the next segment; False when there is none."""
        place = self._place()
        for segment in self._segments:
            if self._reader is None and segment.number == place.number:
                self._reader = SegmentReader(segment, place.offset)
                return True
            if segment.number > place.number:
                self._reader = SegmentReader(segment, 0)
                return True
        return False

    def _place(self) -> Position:
        return self._marks[-1].position if self._reader is None else self._reader.position

    def _forget_old(self) -> None:
        """Move the oldest mark on, and remove the segments before it."""
        until_s = self._monotonic() - KEPT_S
        while (
            len(self._marks) > 1
            and self._marks[1].at_s <= until_s
            and self._marks[1].position <= self._confirmed.position
        ):
            self._marks.popleft()
        for segment in self._before(self._marks[0].position.number):
            self._remove(segment)

    def _before(self, number: int) -> list[Segment]:
        return [each for each in self._segments if each.number < number and each.closed]

    def _remove(self, segment: Segment) -> None:
        self._segments.remove(segment)
        segment.remove()

    # --- what is too much ----------------------------------------------------------------

    def _take_arrivals(self) -> None:
        while not self._arrivals.empty():
            segment = self._arrivals.get()
            if segment.closed and segment.is_inherited:
                self.inherited += sum(map(count_of, segment.entries()))
            self._segments.append(segment)

    def _tidy(self) -> None:
        self._take_arrivals()
        now_s = self._monotonic()
        if now_s < self._looked_s + _LOOK_S:
            return
        self._looked_s = now_s
        self._forget_old()
        self._keep_age()
        self._keep_size(None, self._limits.size_bytes)
        self._keep_size(lambda segment: segment.path is None, _MEMORY_BYTES)

    def _unsent(self) -> list[Segment]:
        """Segments that can be made smaller: whole ones of which nothing has left."""
        number = self._place().number
        return [each for each in self._segments if each.number > number and each.closed]

    def _keep_age(self) -> None:
        for segment in self._unsent():
            if segment.age_s() > self._limits.age_s:
                self._drop(segment, "points wait for Graphite for longer than `spool_age`")
        old = [each for each in self._unsent() if each.age_s() > FINE_S and not each.is_thin]
        if old:
            self._thin(old, "points wait for Graphite for more than a day")

    def _keep_size(self, which: Callable[[Segment], bool] | None, limit: int) -> None:
        def chosen(segments: Iterable[Segment]) -> list[Segment]:
            return [each for each in segments if which is None or which(each)]

        def excess() -> int:
            return sum(each.size for each in chosen(self._segments)) - limit

        # What has left is a copy.
        for segment in chosen(self._before(self._place().number)):
            if excess() > 0:
                self._forget(segment)
        for share in (2, 1):
            unsent = chosen(self._unsent())
            if excess() > 0:
                self._thin(unsent[: max(1, len(unsent) // share)], _FULL)
        for segment in chosen(self._unsent()):
            if excess() > 0:
                self._drop(segment, _FULL)

    def _forget(self, segment: Segment) -> None:
        while len(self._marks) > 1 and self._marks[0].position.number <= segment.number:
            self._marks.popleft()
        floor = self._marks[0]
        if floor.position > self._confirmed.position:
            self._unsure += floor.points - self._confirmed.points
            self._confirmed = floor
        self._remove(segment)

    def _drop(self, segment: Segment, why: str) -> None:
        """Lose what never left, count it, and say so the first time."""
        lost = sum(map(count_of, segment.entries()))
        if not self.dropped:
            self.news.put(f"{why}: the oldest are dropped from now on")
        self.dropped += lost
        self._remove(segment)

    def _thin(self, group: Sequence[Segment], why: str) -> None:
        """Make a group of segments one with points of ten seconds; count what that takes."""
        if not group or all(segment.is_thin for segment in group):
            return
        before = _Tally()
        after = _Tally()
        output = Segment.beside(group[0])
        try:
            for entry in thin(lambda: before.through(_all_of(group))):
                output.append(encode(entry))
                after.points += count_of(entry)
        except OSError as error:
            log.warning("the spool cannot be thinned: %s", error)
            output.remove()
            return
        # The group was read twice.
        gone = before.points // 2 - after.points
        if gone and not self.thinned:
            self.news.put(f"{why}: the oldest seconds become points of {WINDOW_S} s from now on")
        self.thinned += gone
        place = self._segments.index(group[0])
        for segment in group:
            self._remove(segment)
        output.settle(group[0])
        self._segments.insert(place, output)


class _Tally:
    """Counts the points of entries that go by."""

    def __init__(self) -> None:
        self.points = 0

    def through(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        for entry in entries:
            self.points += count_of(entry)
            yield entry


def _all_of(segments: Iterable[Segment]) -> Iterable[Entry]:
    for segment in segments:
        yield from segment.entries()
