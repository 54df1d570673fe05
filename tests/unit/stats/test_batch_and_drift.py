"""What one trial knows about its own mean and slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.stats.batch import batch_interval
from storperf.stats.drift import drift, slope_least_squares
from storperf.stats.warmup import mser5_cut


def test_fewer_than_twenty_values_have_no_interval():
    assert batch_interval(np.arange(19.0)) is None
    assert batch_interval(np.arange(20.0)) is not None


def test_interval_is_that_of_ten_batch_means():
    values = np.repeat(np.arange(10.0), 3)
    found = batch_interval(values)
    assert found.mean == pytest.approx(4.5)
    # t(9) at 97.5 % is 2.262157; the standard deviation of 0..9 is 3.02765.
    assert found.half_width == pytest.approx(2.262157 * 3.027650 / 10**0.5, rel=1e-6)


def test_ratio_is_weighted_by_its_denominator():
    found = batch_interval(np.tile([100.0, 900.0], 15), np.tile([1.0, 3.0], 15))
    assert found.mean == pytest.approx(250.0)


def test_batch_without_io_has_no_interval():
    counts = np.ones(40)
    counts[:4] = 0
    assert batch_interval(np.ones(40), counts) is None


@given(st.floats(1, 1e6), st.floats(-1e3, 1e3), st.integers(2, 200))
def test_slope_of_a_line_is_its_slope(a, b, n):
    values = a + b * np.arange(n)
    assert slope_least_squares(values) == pytest.approx(b, abs=1e-9 * (abs(a) + abs(b) * n) + 1e-12)


def test_drift_of_a_line_is_its_change_over_the_mean():
    values = np.linspace(110.0, 90.0, 101)
    found = drift(values)
    assert found.share == pytest.approx(-0.2)
    assert found.low == pytest.approx(-0.2)
    assert found.is_beyond_limit


def test_drift_interval_is_that_of_a_line_through_ten_batch_means():
    means = np.array([10.0, 12, 9, 11, 13, 10, 12, 11, 9, 13])
    found = drift(np.repeat(means, 4))
    x = np.arange(10) - 4.5
    slope = x @ means / 82.5
    residual = means - means.mean() - slope * x
    error = (residual @ residual / 8 / 82.5) ** 0.5 / 4
    # t(8) at 97.5 % is 2.306004.
    half = 2.306004 * error * 39 / means.mean()
    assert found.high - found.share == pytest.approx(half, rel=1e-6)
    assert found.share - found.low == pytest.approx(half, rel=1e-6)


def test_drift_of_exactly_ten_percent_is_allowed():
    assert not drift(np.linspace(104.9, 95.1, 101)).is_beyond_limit
    assert not drift(np.linspace(95.1, 104.9, 101)).is_beyond_limit


def test_noise_widens_the_interval_until_it_cannot_say():
    rng = np.random.default_rng(4)
    values = np.linspace(115, 85, 40) * rng.normal(1, 0.3, 40)
    found = drift(values)
    assert found.low < found.share < found.high
    assert not found.is_beyond_limit


def test_no_drift_without_values_or_io():
    assert drift(np.ones(19)) is None
    assert drift(np.zeros(30)) is None


def test_ramp_is_cut_where_it_ends():
    values = np.concatenate([np.linspace(60, 100, 20), np.full(80, 100.0)])
    assert mser5_cut(values).values in (15, 20)
    assert not mser5_cut(values).is_more_than_half


def test_cliff_after_most_of_the_series_is_more_than_half():
    rng = np.random.default_rng(5)
    values = np.where(np.arange(120) < 80, 160.0, 100.0) * rng.normal(1, 0.02, 120)
    found = mser5_cut(values)
    assert found.is_more_than_half
    assert found.values == 60


def test_constant_series_is_not_cut():
    assert mser5_cut(np.full(60, 5.0)).values == 0
    assert not mser5_cut(np.full(60, 5.0)).is_more_than_half


def test_fewer_than_five_batches_are_not_judged():
    assert mser5_cut(np.ones(24)) is None
    assert mser5_cut(np.ones(25)) is not None


@given(st.lists(st.floats(0, 1e7), min_size=25, max_size=150))
def test_never_more_than_half_is_left_out(values):
    found = mser5_cut(np.array(values))
    assert 0 <= found.values <= len(values) / 2
