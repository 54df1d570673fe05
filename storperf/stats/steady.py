"""Steady state as SNIA's Performance Test Specification defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.ending import SteadyRule
from storperf.stats.drift import slope_least_squares
from storperf.stats.table import Floats

SHORTEST_ROUND_S = 10.0
_MOST_MISSING = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SniaFigures:
    """A window's figures in the unit of its values; slope is per round."""

    average: float
    range: float
    slope: float
    excursion: float
    is_steady: bool

    @property
    def range_share(self) -> float:
        """Range as a share of the average."""
        return self.range / self.average

    @property
    def excursion_share(self) -> float:
        """Excursion as a share of the average."""
        return self.excursion / self.average


def snia_window(round_values: Sequence[float], rule: SteadyRule) -> SniaFigures:
    """The figures of one window; `round_values` are the means of exactly `rule.rounds` rounds.

    Steady: max - min is at most 20 % of the average, and the least-squares line changes by
    at most 10 % of the average over the window (slope x (rounds - 1)).  Source: SNIA SSS
    PTS 2.0, checked with the golden vector of a published log.
    True does not mean flat: a fall of 10 % over the window is accepted 60 to 97 times in 100
    (VERDICT.md section 4).  False does not mean drifting: on a noisy host with rounds
    of 10 s, 76 of 100 truly steady windows are refused.
    Raises ValueError on another number of rounds or an average that is not above zero.
    """
    if len(round_values) != rule.rounds:
        raise ValueError(f"a window has {rule.rounds} rounds, not {len(round_values)}")
    values = np.asarray(round_values, dtype=np.float64)
    average = float(values.mean())
    if not average > 0:
        raise ValueError(f"no steady state at an average of {average}: there was no I/O")
    spread = float(values.max() - values.min())
    slope = slope_least_squares(values)
    excursion = abs(slope) * (rule.rounds - 1)
    return SniaFigures(
        average=average,
        range=spread,
        slope=slope,
        excursion=excursion,
        is_steady=spread <= rule.range_limit * average and excursion <= rule.slope_limit * average,
    )


def rounds_from_series(times: Floats, values: Floats, round_s: float) -> list[float]:
    """The means of the complete rounds of a series, oldest first.

    `times` (end of each value, epoch s) and `values` have one length, as `summed_series` gives
    them.  Rounds are counted from the start of the series, so that a longer series of the same
    trial has the same rounds and some more.  A round with more than half of its values
    missing is no round: only those after it count.
    """
    if not round_s > 0:
        raise ValueError(f"a round lasts more than {round_s} s")
    if len(times) < 2:
        return []
    slice_s = float(np.median(np.diff(times)))
    start = float(times[0]) - slice_s
    complete = int((float(times[-1]) - start + slice_s / 2) // round_s)
    number = np.floor((times - slice_s / 2 - start) / round_s).astype(np.int64)
    means: list[float] = []
    for index in range(complete):
        inside = values[number == index]
        if len(inside) < _MOST_MISSING * round_s / slice_s:
            means.clear()
        else:
            means.append(float(inside.mean()))
    return means


def last_window(rounds: Floats, rule: SteadyRule) -> int | None:
    """The number of the first round of the last whole window; None when there is none.

    `rounds` holds the rounds from the trial's start on, NaN for one that is not known.
    """
    known = np.isfinite(rounds)
    for first in range(len(rounds) - rule.rounds, -1, -1):
        if known[first : first + rule.rounds].all():
            return first
    return None
