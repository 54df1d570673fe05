"""What was sent, as far as a read-back needs it: of each series the last second, and how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from storperf.sinks.entries import Row


@dataclass(slots=True)
class Sent:
    """One series: its first and last second, and its number of seconds in order.

    A point that is sent twice counts once; one that is late is not counted.
    """

    first: int
    last: int
    count: int = 1


class Witness:
    """Written by the sender's thread, read when nothing is sent; about 300 bytes a series."""

    def __init__(self) -> None:
        self._series: dict[str, Sent] = {}

    @property
    def series(self) -> Mapping[str, Sent]:
        """Every series that points were sent of."""
        return self._series

    def see(self, points: Iterable[Row]) -> None:
        """Remember points that were sent."""
        series = self._series
        for path, _, second in points:
            known = series.get(path)
            if known is None:
                series[path] = Sent(second, second)
            elif second > known.last:
                known.last = second
                known.count += 1
