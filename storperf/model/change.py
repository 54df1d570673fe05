"""A change of level in a history."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`index` is the place of the first run of the new level, from 0 on.

    `before` and `after` are the levels; `change` is the step as a share of the old one, with
    its 95 % interval, None when the old level is zero.
    """

    index: int
    before: float
    after: float
    change: float | None
    low: float | None
    high: float | None
