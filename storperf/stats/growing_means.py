"""A series of any length as a few hundred means: its memory does not grow with time.

Without numpy: it is fed while fio is being started.
"""

from __future__ import annotations

from itertools import pairwise

MOST = 200


class GrowingMeans:
    """Means of `size` values each, oldest first; when 200 are full, `size` doubles."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self.size = 1
        self._sum = 0.0
        self._count = 0

    def add(self, value: float) -> None:
        """Take in the next value; it is in `means` once its neighbours are there too."""
        self._sum += value
        self._count += 1
        if self._count < self.size:
            return
        self.means.append(self._sum / self.size)
        self._sum, self._count = 0.0, 0
        if len(self.means) == MOST:
            pairs = list(pairwise(self.means))[::2]
            self.means = [(one + other) / 2 for one, other in pairs]
            self.size *= 2
