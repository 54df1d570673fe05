"""Medians, ratios of pairs, and intervals that outliers of a shared machine do not move."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import accumulate
from math import comb

from figure import Figure, Interval

_HALF_LEVEL = 0.025


def median_interval(values: Sequence[float]) -> Interval | None:
    """The 95 % interval of the median, from order statistics; None below six values.

    It assumes independent values and nothing of their distribution.
    Source: W. J. Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    n = len(values)
    tails = accumulate(comb(n, k) / 2**n for k in range(n))
    outside = sum(1 for tail in tails if tail <= _HALF_LEVEL)
    if outside == 0:
        return None
    ordered = sorted(values)
    return ordered[outside - 1], ordered[n - outside]


def paired_ratio(over: Sequence[float], under: Sequence[float]) -> tuple[float, Interval | None]:
    """The typical ratio of pairs, and its 95 % interval; no interval below six pairs.

    On log ratios: the median of the means of all pairs of them (Hodges and Lehmann), and the
    interval that belongs to Wilcoxon's signed-rank test.  It assumes independent pairs whose
    log ratios lie symmetrically about their centre, which the random order within each pair
    brings about when both do the same.
    Source: M. Hollander, D. A. Wolfe, Nonparametric Statistical Methods, 2nd ed., 3.2 and 3.3.
    """
    logs = [math.log(a / b) for a, b in zip(over, under, strict=True)]
    means = sorted((x + y) / 2 for i, x in enumerate(logs) for y in logs[i:])
    ratio = math.exp(statistics.median(means))
    outside = _signed_rank_quantile(len(logs))
    if outside == 0:
        return ratio, None
    return ratio, (math.exp(means[outside - 1]), math.exp(means[-outside]))


def _signed_rank_quantile(n: int) -> int:
    """How many of the sorted means lie outside on each side: at most 2.5 % of all sign patterns."""
    ways = [1]
    for rank in range(1, n + 1):
        wider = ways + [0] * rank
        for total, count in enumerate(ways):
            wider[total + rank] += count
        ways = wider
    return sum(1 for tail in accumulate(ways) if tail / 2**n <= _HALF_LEVEL)


def median_figure(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    goal: float | None = None,
    at_least: bool = False,
) -> Figure:
    """A figure from repeated measurements of one thing.

    Its A/A ratio is the median of the odd ones over that of the even ones.
    """
    odd, even = statistics.median(values[0::2]), statistics.median(values[1::2] or values)
    return Figure(
        name=name,
        unit=unit,
        value=statistics.median(values),
        n=len(values),
        goal=goal,
        at_least=at_least,
        interval=median_interval(values),
        aa=odd / even if even else None,
    )


def ratio_figure(  # noqa: PLR0913 - a field each
    name: str,
    over: Sequence[float],
    under: Sequence[float],
    again: Sequence[float],
    *,
    goal: float | None = None,
    at_least: bool = False,
) -> Figure:
    """A figure from pairs; `again` is what `under` measured, once more in the same round."""
    value, interval = paired_ratio(over, under)
    aa, aa_interval = paired_ratio(again, under)
    return Figure(
        name=name,
        unit="x",
        value=value,
        n=len(over),
        goal=goal,
        at_least=at_least,
        interval=interval,
        aa=aa,
        aa_interval=aa_interval,
    )
