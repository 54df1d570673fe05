"""What all streams of a trial did together, in rounds of equal length.

Every agent and target is a stream of intervals, one per direction.  Rounds begin when the
last stream has; one is closed once the slowest stream has passed its end (the watermark).
Memory does not grow with time.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from storperf.model.interval import Interval
from storperf.model.job import Op

# What is kept of the others while a stream has not begun: half an hour of five at 1 s.
_MOST_EARLY = 10_000

_Stream = tuple[str, int, Op]
Amounts = tuple[float, ...]
# What each direction did in one round, column by column.
Round = dict[Op, Amounts]


@dataclass(frozen=True, slots=True)
class _Piece:
    op: Op
    start_s: float
    end_s: float
    amounts: Amounts


class RoundSums:
    """Feed it intervals; `feed` gives the rounds that are closed by them, oldest first.

    `columns` names fields of an Interval that can be added up; `streams` counts agents x
    targets.  Other directions than `ops` are ignored.
    """

    def __init__(
        self, ops: tuple[Op, ...], columns: tuple[str, ...], round_s: float, streams: int
    ) -> None:
        self._ops = ops
        self._columns = columns
        self._round_s = round_s
        self._expected = streams * len(ops)
        self._newest_s: dict[_Stream, float] = {}
        self._start_s = 0.0
        self._early: deque[_Piece] = deque()
        self._sums: dict[tuple[Op, int], Amounts] = defaultdict(lambda: (0.0,) * len(columns))
        self._closed = 0

    def feed(self, interval: Interval) -> list[Round]:
        """Take in the next interval of a stream."""
        if interval.op not in self._ops:
            return []
        stream = (interval.agent, interval.target, interval.op)
        if stream not in self._newest_s:
            self._start_s = max(self._start_s, interval.start_s)
        self._newest_s[stream] = interval.end_s
        amounts = tuple(float(getattr(interval, name)) for name in self._columns)
        self._early.append(_Piece(interval.op, interval.start_s, interval.end_s, amounts))
        if len(self._newest_s) < self._expected:
            if len(self._early) > _MOST_EARLY:
                self._start_s = max(self._start_s, self._early.popleft().end_s)
            return []
        while self._early:
            self._add(self._early.popleft())
        return list(self._close())

    def _add(self, piece: _Piece) -> None:
        """Share a piece out to the rounds that it overlaps."""
        length_s = piece.end_s - piece.start_s
        if length_s <= 0 or piece.end_s <= self._start_s:
            return
        first = int(max(0.0, piece.start_s - self._start_s) / self._round_s)
        last = int((piece.end_s - self._start_s) / self._round_s)
        for number in range(max(first, self._closed), last + 1):
            begin = self._start_s + number * self._round_s
            overlap_s = min(piece.end_s, begin + self._round_s) - max(piece.start_s, begin)
            if overlap_s > 0:
                share = overlap_s / length_s
                known = self._sums[piece.op, number]
                self._sums[piece.op, number] = tuple(
                    total + amount * share
                    for total, amount in zip(known, piece.amounts, strict=True)
                )

    def _close(self) -> Iterator[Round]:
        watermark_s = min(self._newest_s.values())
        nothing = (0.0,) * len(self._columns)
        while watermark_s >= self._start_s + (self._closed + 1) * self._round_s:
            yield {op: self._sums.pop((op, self._closed), nothing) for op in self._ops}
            self._closed += 1
