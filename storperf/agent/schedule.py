"""When something that is done again and again is due: a pure function of the time.

Due times lie on a grid that begins at 0.  Whoever asks behind a due time that was missed gets the
next one that is still to come, so that what is slow is never followed by a burst.
"""

from __future__ import annotations

import math
from typing import Optional


class Schedule:
    """Every `every_s`; for the first `for_s` alone; with `each_s` again each `each_s`.

    No dataclass: importing those costs each supervisor 6 ms.
    """

    def __init__(
        self, every_s: float, for_s: Optional[float] = None, each_s: Optional[float] = None
    ) -> None:
        given = [each for each in (every_s, for_s, each_s) if each is not None]
        if not all(math.isfinite(each) and each > 0 for each in given):
            raise ValueError("the times of a schedule must be positive")
        if each_s is not None and (for_s is None or for_s > each_s):
            raise ValueError("a schedule's `for` must be there and fit into its `each`")
        self.every_s = every_s
        self.for_s = for_s
        self.each_s = each_s

    def due_after(self, after_s: float) -> Optional[float]:
        """The first due time that is later than `after_s`; None when there is none any more."""
        if after_s < 0:
            return 0.0
        if self.each_s is None:
            due_s = _next(0.0, self.every_s, after_s)
            return due_s if self.for_s is None or due_s < self.for_s else None
        next_period_s = _next(0.0, self.each_s, after_s)
        period_s = max(0.0, next_period_s - self.each_s)
        due_s = _next(period_s, self.every_s, after_s)
        is_inside = self.for_s is not None and due_s < min(period_s + self.for_s, next_period_s)
        return due_s if is_inside else next_period_s


def _next(first_s: float, step_s: float, after_s: float) -> float:
    """The first of `first_s`, `first_s + step_s` ... that is later than `after_s`."""
    number = max(0, math.floor((after_s - first_s) / step_s))
    while first_s + number * step_s <= after_s:
        number += 1
    return first_s + number * step_s
