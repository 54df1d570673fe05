"""What a series of values over time comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SteadyReason(StrEnum):
    """Why a series is steady or not; too few values, gaps and no I/O are neither."""

    STEADY = "steady"
    NEVER_SETTLED = "never_settled"
    DRIFT = "drift"
    RANGE = "range"
    SLOPE = "slope"
    TOO_FEW = "too_few"
    NO_IO = "no_io"
    GAPS = "gaps"

    @property
    def is_steady(self) -> bool | None:
        """True, False, or None when nobody can say."""
        if self in (SteadyReason.TOO_FEW, SteadyReason.NO_IO, SteadyReason.GAPS):
            return None
        return self is SteadyReason.STEADY


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadySeries:
    """Figures of what was kept after the warm-up cut, in the unit of its values.

    `range`, `slope` (a round) and `excursion` are SNIA's, of five rounds of `round_s`.
    `drift` is the fitted change over the kept part as a share of the mean, with its 95 %
    interval, as `mean_low` and `mean_high` are that of the mean.  None is not known.
    """

    reason: SteadyReason
    warmup_s: float
    round_s: float | None = None
    range: float | None = None
    slope: float | None = None
    excursion: float | None = None
    mean: float | None = None
    mean_low: float | None = None
    mean_high: float | None = None
    drift: float | None = None
    drift_low: float | None = None
    drift_high: float | None = None
