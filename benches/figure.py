"""What a bench gives back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value and what was promised of it.

    `null` is the same measurement of a thing against itself: what noise alone makes of it.
    """

    name: str
    unit: str
    value: float
    promised: float
    at_least: bool
    null: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the promise holds; a value that is no number keeps none."""
        if self.at_least:
            return self.value >= self.promised
        return self.value <= self.promised
