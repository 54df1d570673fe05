"""Decides, while a trial runs, whether it has become steady.

Every agent and target is a stream of intervals.  Per direction, what they did is
summed over rounds of equal length on the common interval; a round counts once the
slowest stream has passed its end (the watermark).  Memory does not grow with time.
"""

from __future__ import annotations

from collections import defaultdict

from storperf.model.interval import Interval
from storperf.model.job import Op, SteadyRule, Workload

_Stream = tuple[str, int, Op]


class SteadyWatch:
    """Feed it intervals; `is_steady` turns true once the last window is, in every direction."""

    def __init__(self, workload: Workload, rule: SteadyRule, streams: int) -> None:
        self._ops = workload.ops
        self._metric = workload.judged_metric
        self._rule = rule
        self._expected = streams * len(workload.ops)
        self._newest_s: dict[_Stream, float] = {}
        self._start_s = 0.0
        self._early: list[Interval] = []
        self._sums: dict[Op, defaultdict[int, float]] = {op: defaultdict(float) for op in self._ops}
        self._closed = 0
        self.rounds: dict[Op, list[float]] = {op: [] for op in self._ops}
        self.is_steady = False

    def feed(self, interval: Interval) -> None:
        """Take in the next interval of a stream."""
        if interval.op not in self._ops:
            return
        stream = (interval.agent, interval.target, interval.op)
        if stream not in self._newest_s:
            self._start_s = max(self._start_s, interval.start_s)
        self._newest_s[stream] = interval.end_s
        if len(self._newest_s) < self._expected:
            self._early.append(interval)
            return
        for earlier in self._early:
            self._add(earlier)
        self._early = []
        self._add(interval)
        self._close_rounds()

    def _add(self, interval: Interval) -> None:
        """Share an interval out to the rounds that it overlaps."""
        amount = interval.ios if self._metric == "iops" else interval.bytes
        length_s = interval.end_s - interval.start_s
        if length_s <= 0 or interval.end_s <= self._start_s:
            return
        first = int(max(0.0, interval.start_s - self._start_s) / self._rule.round_s)
        last = int((interval.end_s - self._start_s) / self._rule.round_s)
        for number in range(max(first, self._closed), last + 1):
            begin = self._start_s + number * self._rule.round_s
            overlap_s = min(interval.end_s, begin + self._rule.round_s) - max(
                interval.start_s, begin
            )
            if overlap_s > 0:
                self._sums[interval.op][number] += amount * overlap_s / length_s

    def _close_rounds(self) -> None:
        watermark_s = min(self._newest_s.values())
        while watermark_s >= self._start_s + (self._closed + 1) * self._rule.round_s:
            for op in self._ops:
                total = self._sums[op].pop(self._closed, 0.0)
                self.rounds[op] = [*self.rounds[op], total / self._rule.round_s][
                    -self._rule.rounds :
                ]
            self._closed += 1
            self.is_steady = self.is_steady or all(map(self._is_window_steady, self._ops))

    def _is_window_steady(self, op: Op) -> bool:
        # numpy takes 0.2 s to import: not before fio runs, and never for a trial of fixed length.
        from storperf.stats.steady import snia_window

        values = self.rounds[op]
        # Storage that hung for the whole window stood still, but is not steady.
        if len(values) < self._rule.rounds or not any(values):
            return False
        return snia_window(values, self._rule).is_steady
