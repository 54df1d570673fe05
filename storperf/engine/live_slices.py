"""Intervals of many streams as one record a slice: what a page draws of a trial as it goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# A stream is one direction on one target of one agent.
Stream = tuple[str, int, str]

# A slice is told without a stream that is so many slices behind the first.
_PATIENCE = 3


@dataclass(slots=True)
class _Heard:
    """What one stream said in one slice."""

    count: int = 0
    iops: float = 0.0
    bandwidth: float = 0.0
    clat_p99_ns: float | None = None

    def add(self, facts: Mapping[str, object]) -> None:
        self.count += 1
        self.iops += float(str(facts["iops"]))
        self.bandwidth += float(str(facts["bandwidth"]))
        p99 = facts.get("clat_p99_ns")
        if p99 is not None:
            self.clat_p99_ns = max(self.clat_p99_ns or 0.0, float(str(p99)))


@dataclass(slots=True)
class _Slice:
    end_s: float = 0.0
    # How many of its streams have said all of it.
    complete: int = 0
    streams: dict[Stream, _Heard] = field(default_factory=dict)


class LiveSlices:
    """Sums the streams of one trial over slices of `width_s`, at least one interval long.

    A slice is told once all streams that still speak have said all of it.  What comes later than
    that is left out: it is in the store, and this is for looking on.
    """

    def __init__(self, interval_s: float, width_s: float) -> None:
        self._interval_s = interval_s
        self._width_s = max(width_s, interval_s)
        self._whole = max(1, math.floor(self._width_s / interval_s + 1e-6))
        self._begin_s: float | None = None
        self._open: dict[int, _Slice] = {}
        self._told = -1
        self._newest: dict[Stream, int] = {}
        self._last = -1
        self._usual = 0

    def add(self, facts: Mapping[str, object]) -> Iterator[dict[str, object]]:
        """Take the facts of an `interval` event; gives the slices that are whole now."""
        end_s = float(str(facts["end_s"]))
        if self._begin_s is None:
            # Half an interval early: agents that end theirs a little apart share a slice.
            self._begin_s = end_s - self._interval_s / 2
        number = math.floor((end_s - self._begin_s) / self._width_s)
        if number <= self._told:
            return
        stream = (str(facts["agent"]), int(str(facts.get("target", 0))), str(facts["op"]))
        found = self._open.setdefault(number, _Slice())
        found.end_s = max(found.end_s, end_s)
        heard = found.streams.setdefault(stream, _Heard())
        heard.add(facts)
        found.complete += heard.count == self._whole
        self._newest[stream] = max(number, self._newest.get(stream, number))
        # Looking through all streams at each interval would be the square of their number.
        if number <= self._last and found.complete < self._usual:
            return
        self._last = max(number, self._last)
        while self._open and self._is_whole(min(self._open)):
            yield self._tell(min(self._open))

    def rest(self) -> Iterator[dict[str, object]]:
        """What is left when the trial has ended."""
        while self._open:
            yield self._tell(min(self._open))

    def _is_whole(self, number: int) -> bool:
        if self._last - number >= _PATIENCE:
            return True
        if number == 0 and self._last < 2:
            # Who takes part is known only after a while.
            return False
        here = self._open[number].streams
        return all(
            last > number or (stream in here and here[stream].count >= self._whole)
            for stream, last in self._newest.items()
            if self._last - last < _PATIENCE
        )

    def _tell(self, number: int) -> dict[str, object]:
        self._told = number
        told = self._open.pop(number)
        self._usual = len(told.streams)
        ops = sorted({op for _, _, op in told.streams})
        return {"end_s": round(told.end_s, 3), "ops": {op: _sum(told, op) for op in ops}}


def _sum(told: _Slice, op: str) -> dict[str, object]:
    """One direction over all streams; its p99 is the largest of any stream's."""
    heard = [each for (_, _, name), each in told.streams.items() if name == op]
    p99s = [each.clat_p99_ns for each in heard if each.clat_p99_ns is not None]
    return {
        "iops": round(math.fsum(each.iops / each.count for each in heard), 1),
        "bandwidth": round(math.fsum(each.bandwidth / each.count for each in heard)),
        "clat_p99_ns": round(max(p99s)) if p99s else None,
        "streams": len(heard),
    }
