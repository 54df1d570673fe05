"""How well one trial knows its own mean.  It says nothing about the next trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.stats.student import t_quantile
from storperf.stats.table import Floats

BATCHES = 10
FEWEST_VALUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMeans:
    """The mean of a series and half the width of its 95 % interval."""

    mean: float
    half_width: float


def batches(values: Floats) -> Floats:
    """`values` (shape n >= 10) as ten rows of n // 10; the oldest n % 10 values are left out."""
    size = len(values) // BATCHES
    return values[len(values) - BATCHES * size :].reshape(BATCHES, size)


def batch_interval(numerator: Floats, denominator: Floats | None = None) -> BatchMeans | None:
    """The 95 % interval of sum(numerator) / sum(denominator) from ten batch means, t(9).

    Both have shape n, in the order of time; without a denominator it is the plain mean.
    None when there are fewer than 20 values, or a batch has nothing to divide by.
    Source: Law, Simulation Modeling and Analysis, "batch means"; it assumes a steady
    series whose autocorrelation is short against n / 10.  Where it is not, the interval is too
    narrow: measured on AR(1) series of 0.5, 0.7 and 0.8, the nominal 95 % are 92, 88 and 82 %
    for 60 values, 95, 94 and 92 % for 300.
    A narrow interval does not mean that a second run would agree.
    """
    if len(numerator) < FEWEST_VALUES:
        return None
    weights = np.ones_like(numerator) if denominator is None else denominator
    below = batches(weights).sum(axis=1)
    if np.any(below <= 0):
        return None
    means = batches(numerator).sum(axis=1) / below
    spread = float(np.std(means, ddof=1)) / BATCHES**0.5
    return BatchMeans(
        mean=float(numerator.sum() / weights.sum()),
        half_width=t_quantile(0.975, BATCHES - 1) * spread,
    )
