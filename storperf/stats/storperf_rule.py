"""Steady state as the earlier StorPerf decided it: only to compare with its old results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.ending import StorperfRule
from storperf.stats.drift import slope_least_squares


@dataclass(frozen=True, slots=True, kw_only=True)
class StorperfFigures:
    """A window's figures in the unit of its samples; slope is per sample."""

    average: float
    range: float
    slope: float
    is_steady: bool


def storperf_window(samples: Sequence[float], rule: StorperfRule) -> StorperfFigures:
    """The figures of one window of exactly `rule.samples` samples.

    Steady: max - min is at most 20 % of the average, and the least-squares slope per sample
    at most 10 % of it.  Source: OPNFV StorPerf, storperf/utilities/steady_state.py.  Its
    samples were fio's running averages since the trial's start; with them True means
    little: a mean over all that was flattens by itself, and a line may climb by 90 % over ten
    samples before the slope speaks (docs/explanation/steady-state.md).  Samples that are all
    zero are steady, as they were there.  False means that the range was too wide.
    Raises ValueError on another number of samples.
    """
    if len(samples) != rule.samples:
        raise ValueError(f"a window has {rule.samples} samples, not {len(samples)}")
    values = np.asarray(samples, dtype=np.float64)
    average = float(values.mean())
    spread = float(values.max() - values.min())
    slope = slope_least_squares(values)
    return StorperfFigures(
        average=average,
        range=spread,
        slope=slope,
        is_steady=spread <= rule.range_limit * abs(average)
        and abs(slope) <= rule.slope_limit * abs(average),
    )
