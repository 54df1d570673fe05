"""Whether a trial keeps going up or down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.stats.batch import BATCHES, FEWEST_VALUES, batches
from storperf.stats.student import t_quantile
from storperf.stats.table import Floats

DRIFT_LIMIT = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The fitted change from the first to the last value, as a share of the mean."""

    share: float
    low: float
    high: float

    @property
    def is_beyond_limit(self) -> bool:
        """Whether the whole interval lies beyond +-10 %.

        False does not mean steady: a short or noisy trial has an interval too wide to say.
        """
        return self.low > DRIFT_LIMIT or self.high < -DRIFT_LIMIT

    @property
    def is_clear(self) -> bool:
        """Whether it is more than 10 %, and surely some drift: its 99 % interval excludes zero.

        Finds more than `is_beyond_limit`, and refuses more steady series: up to 2 of 100.
        """
        wider = t_quantile(0.995, BATCHES - 2) / t_quantile(0.975, BATCHES - 2)
        half = (self.high - self.low) / 2 * wider
        return abs(self.share) > max(DRIFT_LIMIT, half)


def slope_least_squares(values: Floats) -> float:
    """The slope of the least-squares line through `values` (shape n >= 2), per value."""
    x = np.arange(len(values)) - (len(values) - 1) / 2
    return float(x @ values / (x @ x))


def drift(values: Floats) -> Drift | None:
    """The drift of a series with its 95 % interval; None below 20 values or at mean zero.

    `values` has shape n and even spacing.  The slope is that of all values.  Its error is
    that of a line through ten batch means, t(8): the scatter of seconds would claim to know
    the slope far too well when neighbouring seconds are alike.  Assumes a straight line and
    autocorrelation short against n / 10.
    """
    if len(values) < FEWEST_VALUES:
        return None
    mean = float(values.mean())
    if mean <= 0:
        return None
    span = len(values) - 1
    share = slope_least_squares(values) * span / mean
    half = t_quantile(0.975, BATCHES - 2) * _slope_error(values) * span / mean
    return Drift(share=share, low=share - half, high=share + half)


def _slope_error(values: Floats) -> float:
    rows = batches(values)
    means = rows.mean(axis=1)
    slope = slope_least_squares(means)
    x = np.arange(BATCHES) - (BATCHES - 1) / 2
    residual = means - means.mean() - slope * x
    error = float(np.sqrt(residual @ residual / (BATCHES - 2) / (x @ x)))
    return error / int(rows.shape[1])
