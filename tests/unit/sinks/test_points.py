"""What becomes a point: plain numbers, whole seconds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from storperf.sinks.paths import RunSeries
from storperf.sinks.points import plain_number, point_of

SERIES = RunSeries(tree="live", lab="l", job="j", fact="f")


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, -math.inf, True, False, None, "7", 1j),
        *(np.float64("nan"), np.float32("inf"), np.True_, np.array([1])),
    ],
    ids=repr,
)
def test_what_is_no_finite_number_yields_no_point(value):
    assert plain_number(value) is None
    assert point_of(SERIES, value, 1000) == ()


@pytest.mark.parametrize("value", [np.float64(1.5), np.float32(1.5), np.int64(3), 7, 2.5])
def test_a_number_becomes_pythons_own(value):
    number = plain_number(value)
    assert type(number) in {int, float}
    assert number == value


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -1.0, 0.0, 2**32, 1e20])
def test_a_time_that_cannot_be_kept_yields_no_point(at_s):
    assert point_of(SERIES, 1, at_s) == ()


def test_a_point_has_a_whole_second():
    (point,) = point_of(SERIES, 1, 1000.999)
    assert point.second == 1000
    assert type(point.second) is int
