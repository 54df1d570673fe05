"""What a bench gives back: a value, what was promised of it, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

Interval = tuple[float, float]


class BenchError(Exception):
    """Something stood in the way of measuring; there is no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value.

    `n` values are behind it, and `interval` (95 %) says how far it can be trusted.
    `aa` is the ratio of the same thing to itself, measured in the same way and at the same
    time: what noise alone makes of 1.  A figure without a goal is there to be looked at.
    """

    name: str
    unit: str
    value: float
    n: int
    goal: float | None = None
    at_least: bool = False
    interval: Interval | None = None
    aa: float | None = None
    aa_interval: Interval | None = None

    @property
    def met(self) -> bool | None:
        """True when all of the interval keeps the goal, False when none of it does.

        None when the goal lies inside of it, when there is no interval, and without a goal.
        """
        if self.goal is None or self.interval is None:
            return None
        low, high = self.interval
        worse, better = (low, high) if self.at_least else (high, low)
        if self._keeps(worse):
            return True
        return None if self._keeps(better) else False

    def _keeps(self, value: float) -> bool:
        """Whether a value keeps the goal; one that is no number keeps none."""
        goal = self.goal or 0.0
        return value >= goal if self.at_least else value <= goal
