"""Where a series is cut into levels and straight lines so that errors and prices are smallest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.stats.table import Floats, Ints

FEWEST_RUNS = 3
# A line of fewer values than two levels have is a step seen badly.
FEWEST_OF_A_LINE = 2 * FEWEST_RUNS
# What a line costs more than a level, in changes.  Below 2 it swallows two steps in one
# direction, below 2.5 three of them; far above it a drift is told as a staircase.
LINE_PRICE = 2.5
# Of longer series only places are tried where something may begin.
_MOST_TRIED = 512
_PEAKS = 40
_GRID = 200
_GROWTH = 1.6
_PASSES = 2
# Ends whose stretches are looked at in one piece: numpy's own cost a call is more than the work.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """Running sums of values (less their mean) and of values times their place; from 0 on."""

    values: Floats
    moments: Floats

    @classmethod
    def of(cls, values: Floats) -> _Sums:
        rest = values - values.mean()
        moments = rest * np.arange(len(rest), dtype=np.float64)
        return cls(
            values=np.concatenate(([0.0], np.cumsum(rest))),
            moments=np.concatenate(([0.0], np.cumsum(moments))),
        )

    def explained(self, starts: Ints, ends: Ints, line_price: float) -> Floats:
        """By how much a level or, if it is worth its price, a line makes the squares smaller."""
        # Where a stretch would end before it starts, some number.
        counts = np.maximum(ends - starts, 1).astype(np.float64)
        totals = self.values[ends] - self.values[starts]
        level = totals**2 / counts
        middles = (starts + ends - 1) / 2
        slopes = self.moments[ends] - self.moments[starts] - middles * totals
        line = slopes**2 * 12 / np.maximum(counts * (counts**2 - 1), 1.0) - line_price
        found: Floats = level + np.where(counts >= FEWEST_OF_A_LINE, np.maximum(line, 0.0), 0.0)
        return found


def optimal_cuts(values: Floats, penalty: float) -> list[int]:
    """The starts of new stretches that make squared error plus penalties smallest.

    A stretch of three values and more is a level (its mean), or of six and more a straight line,
    which costs 2.5 penalties more; each cut costs one.  Exact up to 512 values.  Of more, a
    place is tried when it is among the 40 largest jumps between neighbouring windows of one of
    a dozen widths, or every 200th part; each cut is then moved to the best place
    between its neighbours.  10,000 values take 15 ms of a core.
    Source: Jackson et al. 2005 (optimal partitioning); lines as in Fearnhead et al. 2019.
    """
    sums = _Sums.of(values)
    places = _places(sums.values)
    cuts = _best(sums, places, penalty)
    for _ in range(_PASSES if len(values) > _MOST_TRIED else 0):
        cuts = _moved(sums, cuts, len(values), penalty)
    return cuts


def line_slope(values: Floats, penalty: float) -> float:
    """The slope of a stretch that is worth the price of a line, per value; else 0."""
    if len(values) < FEWEST_OF_A_LINE:
        return 0.0
    at = np.arange(len(values)) - (len(values) - 1) / 2
    products, squares = float(at @ (values - values.mean())), float(at @ at)
    return products / squares if products**2 / squares > LINE_PRICE * penalty else 0.0


def is_drift(values: Floats, cut: int, penalty: float) -> bool:
    """Whether one straight line describes these values better than two levels, cut there, do.

    False where one of the two is a line itself, and worth its price.
    """
    sums, ends = _Sums.of(values), np.array([0, cut, len(values)])
    levels = sums.explained(ends[:-1], ends[1:], np.inf).sum()
    lines = sums.explained(ends[:-1], ends[1:], LINE_PRICE * penalty).sum()
    whole = sums.explained(ends[:1], ends[2:], 0.0)[0]
    return bool(lines <= levels < whole)


def _best(sums: _Sums, places: Ints, penalty: float) -> list[int]:
    """The best partition whose cuts are among the places; the first is 0, the last n."""
    # The squares of the values are the same in every partition: what is explained is not.
    best = np.full(len(places), np.inf)
    best[0] = 0.0
    last = np.zeros(len(places), dtype=np.int64)
    reach = np.searchsorted(places, places - FEWEST_RUNS, side="right")
    for first in range(1, len(places), _AT_ONCE):
        ends = places[first : first + _AT_ONCE, np.newaxis]
        explained = sums.explained(places[np.newaxis], ends, LINE_PRICE * penalty)
        for end, of_end in enumerate(explained, first):
            starts = int(reach[end])
            if starts == 0:
                continue
            cost = best[:starts] - of_end[:starts]
            start = int(cost.argmin())
            best[end], last[end] = cost[start] + penalty, start
    cuts, end = [], len(places) - 1
    while (end := int(last[end])) > 0:
        cuts.append(int(places[end]))
    return cuts[::-1]


def _places(sums: Floats) -> Ints:
    """Where a stretch may begin or end, 0 and n among them."""
    count = len(sums) - 1
    if count <= _MOST_TRIED:
        return np.arange(count + 1)
    found = [np.arange(0, count, max(1, count // _GRID)), np.array([count])]
    width = FEWEST_RUNS
    while 2 * width <= count:
        jumps = np.abs(sums[2 * width :] - 2 * sums[width:-width] + sums[: -2 * width])
        found.append(_peaks(jumps, width) + width)
        width = int(np.ceil(width * _GROWTH))
    return np.unique(np.concatenate(found))


def _peaks(jumps: Floats, width: int) -> Ints:
    """The places of the largest values that are the largest of their neighbourhood."""
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.ndimage import maximum_filter1d

    tops = np.flatnonzero(jumps == maximum_filter1d(jumps, width))
    order = np.argsort(jumps[tops], kind="stable")
    found: Ints = tops[order[-_PEAKS:]]
    return found


def _moved(sums: _Sums, cuts: list[int], count: int, penalty: float) -> list[int]:
    """Each cut at the best place between its neighbours."""
    ends = [0, *cuts, count]
    price = LINE_PRICE * penalty
    for number in range(1, len(ends) - 1):
        before, after = ends[number - 1], ends[number + 1]
        places = np.arange(before + FEWEST_RUNS, after - FEWEST_RUNS + 1)
        left = sums.explained(np.full(len(places), before), places, price)
        right = sums.explained(places, np.full(len(places), after), price)
        ends[number] = int(places[int((left + right).argmax())])
    return ends[1:-1]
