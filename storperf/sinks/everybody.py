"""All agents and targets of a side as one: sums and merged histograms, second by second.

Agents do not end their intervals at the same moment.  So what can be added up is shared out by
how much of an interval lies in a second, and a histogram belongs as a whole to the second in which
the middle of its interval lies.  A second is given once every stream has passed it: one of
which a stream is missing is missing.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from storperf.model.interval import Interval
from storperf.model.job import Op
from storperf.sinks.entries import Slice
from storperf.sinks.points import is_time

ALL = "all"
# A lost agent is waited for; what the others did meanwhile is kept for that long.
_LONGEST_S = 900

_Stream = tuple[str, int]


@dataclass(slots=True)
class _Amounts:
    """What was added up for one second; latencies are of whole intervals."""

    ios: float = 0.0
    bytes: float = 0.0
    clat_count: int = 0
    clat_sum_ns: float = 0.0
    slat_sum_ns: float = 0.0
    lat_sum_ns: float = 0.0
    bins: Counter[int] = field(default_factory=Counter)


class Everybody:
    """Feed it intervals of one trial; `path_of` gives the path of a direction."""

    def __init__(self, streams: int, path_of: Callable[[Op], str]) -> None:
        self._streams = streams
        self._path_of = path_of
        self._starts_s: dict[Op, dict[_Stream, float]] = defaultdict(dict)
        self._ends_s: dict[Op, dict[_Stream, float]] = defaultdict(dict)
        self._seconds: dict[Op, dict[int, _Amounts]] = defaultdict(dict)

    def feed(self, interval: Interval) -> tuple[Slice, ...]:
        """The seconds that every stream of the direction has passed now, oldest first."""
        length_s = interval.end_s - interval.start_s
        if not (is_time(interval.start_s) and is_time(interval.end_s)) or length_s <= 0:
            return ()
        stream = (interval.agent, interval.target)
        self._starts_s[interval.op].setdefault(stream, interval.start_s)
        self._ends_s[interval.op][stream] = interval.end_s
        self._add(interval, length_s)
        return tuple(self._passed(interval.op))

    def _add(self, interval: Interval, length_s: float) -> None:
        seconds = self._seconds[interval.op]
        for second in range(int(interval.start_s), math.ceil(interval.end_s)):
            amounts = seconds.setdefault(second, _Amounts())
            overlap_s = min(interval.end_s, second + 1) - max(interval.start_s, second)
            amounts.ios += interval.ios * overlap_s / length_s
            amounts.bytes += interval.bytes * overlap_s / length_s
        middle = seconds[int((interval.start_s + interval.end_s) / 2)]
        middle.clat_count += interval.clat_count
        middle.clat_sum_ns += interval.clat_sum_ns
        middle.slat_sum_ns += interval.slat_sum_ns
        middle.lat_sum_ns += interval.lat_sum_ns
        for value_ns, count in interval.bins:
            middle.bins[value_ns] += count
        while len(seconds) > _LONGEST_S:
            del seconds[min(seconds)]

    def _passed(self, op: Op) -> Iterator[Slice]:
        ends_s = self._ends_s[op]
        if len(ends_s) < self._streams:
            return
        # Rounded up, so that the first second is one in which all of them were at work.
        first = math.ceil(max(self._starts_s[op].values()))
        passed_s = min(ends_s.values())
        seconds = self._seconds[op]
        for second in sorted(seconds):
            if second + 1 > passed_s:
                return
            amounts = seconds.pop(second)
            if second >= first:
                yield self._slice(op, second, amounts)

    def _slice(self, op: Op, second: int, amounts: _Amounts) -> Slice:
        return Slice(
            path=self._path_of(op),
            older="",
            second=second,
            length_s=1,
            duration_s=1.0,
            ios=amounts.ios,
            bytes=amounts.bytes,
            clat_count=amounts.clat_count,
            clat_sum_ns=amounts.clat_sum_ns,
            slat_sum_ns=amounts.slat_sum_ns,
            lat_sum_ns=amounts.lat_sum_ns,
            bins=tuple(number for pair in sorted(amounts.bins.items()) for number in pair),
        )
