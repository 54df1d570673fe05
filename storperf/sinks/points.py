"""A point: a path, a plain finite number, a whole second.

Graphite keeps one value a second and series.  What is missing or no number yields no point.
"""

from __future__ import annotations

import math
import numbers
from typing import NamedTuple

from storperf.sinks.paths import PREFIX, Series, render_path

# whisper keeps the time in 32 bits.
_LAST_SECOND = 2**32 - 1


class Point(NamedTuple):
    """One value of one series."""

    path: str
    value: int | float
    second: int


def point_of(series: Series, value: object, at_s: float, prefix: str = PREFIX) -> tuple[Point, ...]:
    """One point, or none when the value is no finite number or the time none that can be kept."""
    number = plain_number(value)
    if number is None or not is_time(at_s):
        return ()
    return (Point(render_path(series, prefix), number, int(at_s)),)


def is_time(at_s: float) -> bool:
    """Whether Graphite can keep a point of that epoch second."""
    return math.isfinite(at_s) and 1 <= at_s <= _LAST_SECOND


def plain_number(value: object) -> int | float | None:
    """An int or a finite float of Python's own; None for everything else, True included."""
    # numpy's numbers are registered there, its truth values are not.
    match value:
        case bool():
            return None
        case numbers.Integral():
            return int(value)
        case numbers.Real() if math.isfinite(value):
            return float(value)
    return None
