"""The numbers behind a check, in the order in which they were computed: to be checked by hand.

All logarithms are natural; a shift is that of the logarithm from the baseline (or reference) to
the candidate, so that -0.1 is about 10 % less.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScreenRule(StrEnum):
    """Which value was held against the baseline, and how strictly."""

    SCREEN = "screen"
    # The mean of fresh trials, at the level of a regression ...
    CONFIRMATION = "confirmation"
    # ... and at that of a screen, once more.
    SECOND_SCREEN = "second_screen"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenWorking:
    """One value against the values of earlier runs, oldest first, in the metric's unit.

    `is_kept` is False for those that Hampel's rule left out.  `own_sigma` (None below two) is the
    spread of the kept ones, with `own_df` degrees of freedom.  Suspicious is a shift in the bad
    direction (`worse` is its sign) of more than `limit`, the larger of `t` x `error` and `margin`.
    The 95 % interval is the shift plus and minus `t_interval` x `error`.
    """

    rule: ScreenRule
    value: float
    values: tuple[float, ...]
    is_kept: tuple[bool, ...]
    centre_is: str
    log_value: float
    log_centre: float
    shift: float
    worse: int
    own_sigma: float | None
    own_df: int
    prior_sigma: float
    prior_df: float
    prior_source: str
    sigma: float
    df: float
    error: float
    alpha: float
    t: float
    margin: float
    limit: float
    t_interval: float
    is_suspicious: bool
    is_proven: bool


class LookWord(StrEnum):
    """What a look at pairs came to."""

    WORSE = "worse"
    NOT_WORSE = "not_worse"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookWorking:
    """One look at the first `pairs` pairs; shifts are turned so that worse is below zero.

    Worse: `median` + `t_worse` x `error` is below zero, and the median below -`margin`.  Not
    worse: `median` - `t_fine` x `error` is above -`harm`.
    """

    pairs: int
    median: float
    sigma: float
    df: float
    error: float
    alpha: float
    t_worse: float
    t_fine: float
    margin: float
    harm: float
    word: LookWord


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsWorking:
    """Pairs (reference, candidate) in the metric's unit, and each look that was taken at them.

    `run_sigma` is what a run is known to scatter, worth `run_df` runs; a pair is expected to
    scatter `expected_sigma`.
    """

    pairs: tuple[tuple[float, float], ...]
    run_sigma: float
    run_df: float
    run_source: str
    expected_sigma: float
    looks: tuple[LookWorking, ...]
