"""Plain series over time: SNIA's published window, ramps, drifts, and what is too short."""

import numpy as np
import pytest
from unit.stats.builders import ar1

from storperf.model.steady_series import SteadyReason
from storperf.stats.steady_series import judge_series

SNIA = (228.90, 240.21, 240.60, 240.71, 240.71)


def judged(values, step_s=1.0):
    values = np.asarray(values, dtype=np.float64)
    return judge_series(step_s * np.arange(1, len(values) + 1), values)


def test_published_window_has_the_published_figures():
    found = judged(SNIA, step_s=60.0)
    assert found.reason is SteadyReason.STEADY
    assert found.range == pytest.approx(11.81, abs=0.01)
    assert found.slope == pytest.approx(2.412, abs=0.001)
    assert found.excursion == pytest.approx(9.65, abs=0.01)
    assert (found.warmup_s, found.round_s) == (0.0, 60.0)


def test_of_more_rounds_the_last_five_are_the_window():
    found = judged((100.0, 150.0, *SNIA), step_s=60.0)
    assert (found.reason, found.warmup_s) == (SteadyReason.STEADY, 120.0)
    assert found.mean == pytest.approx(np.mean(SNIA))


@pytest.mark.parametrize(
    ("rounds", "reason"),
    [
        ((100, 100, 130, 100, 100), SteadyReason.RANGE),
        ((100, 104, 108, 112, 116), SteadyReason.SLOPE),
    ],
)
def test_window_beyond_a_bound_says_which(rounds, reason):
    assert judged(rounds, step_s=60.0).reason is reason


def test_ramp_is_cut_off_and_the_rest_is_steady():
    rng = np.random.default_rng(81)
    values = ar1(rng, 180, sigma=0.03, phi=0.5)
    values[:20] *= np.linspace(0.5, 1, 20)
    found = judged(values)
    assert found.reason is SteadyReason.STEADY
    assert 10 <= found.warmup_s <= 30
    assert found.mean_low < 1000 < found.mean_high


@pytest.mark.parametrize("count", [60, 300])
def test_steady_series_are_rarely_refused(count):
    rng = np.random.default_rng([82, count])
    found = [
        judged(ar1(rng, count, sigma=sigma, phi=phi)).reason
        for sigma, phi in ((0.03, 0.5), (0.05, 0.7), (0.10, 0.8))
        for _ in range(100)
    ]
    assert np.mean([each is SteadyReason.STEADY for each in found]) >= 0.97


@pytest.mark.parametrize("share", [0.15, 0.25])
def test_slow_fall_is_hardly_ever_steady_though_the_warm_up_cut_takes_half_of_it(share):
    rng = np.random.default_rng([83, int(share * 100)])
    fall = np.linspace(1, 1 - share, 300)
    found = [judged(ar1(rng, 300, sigma=0.03, phi=0.5) * fall).reason for _ in range(60)]
    assert np.mean([each.is_steady is False for each in found]) >= 0.95


@pytest.mark.parametrize(("values", "step_s"), [([5.0], 1.0), ([5.0] * 24, 1.0), ([5.0] * 4, 60.0)])
def test_too_few_values_are_not_judged(values, step_s):
    found = judged(values, step_s)
    assert (found.reason, found.reason.is_steady) == (SteadyReason.TOO_FEW, None)
    assert found.mean == 5.0


def test_a_fall_at_the_end_of_a_short_series_is_not_steady():
    rng = np.random.default_rng(84)
    for count in (60, 120):
        for share in (0.0, 0.3):
            values = ar1(rng, count, sigma=0.05, phi=0.7)
            values[round(0.9 * count) :] *= share
            assert judged(values).reason.is_steady is False, (count, share)


def test_a_step_late_in_a_short_series_is_not_steady():
    rng = np.random.default_rng(85)
    values = ar1(rng, 120, sigma=0.03, phi=0.5)
    values[96:] *= 0.7
    assert judged(values).reason.is_steady is False


@pytest.mark.parametrize("count", [180, 300, 600])
def test_dips_that_come_back_are_steady(count):
    rng = np.random.default_rng([86, count])
    found = []
    for _ in range(20):
        values = ar1(rng, count, sigma=0.03, phi=0.5)
        values[np.arange(count) % 60 < 6] *= 0.4
        found.append(judged(values).reason)
    assert found.count(SteadyReason.STEADY) >= 16


def test_gaps_are_no_time_and_large_ones_hide_too_much():
    rng = np.random.default_rng(87)
    values, times_s = ar1(rng, 200, sigma=0.03, phi=0.5), np.arange(200.0)
    values[:20] *= np.linspace(0.5, 1, 20)
    small = np.delete(np.arange(200), [5, 6, 90])
    found = judge_series(times_s[small], values[small])
    assert found.reason is SteadyReason.STEADY
    assert 10 <= found.warmup_s <= 30
    large = np.delete(np.arange(200), np.arange(100, 140))
    assert judge_series(times_s[large], values[large]).reason is SteadyReason.GAPS
    assert judge_series(np.array([]), np.array([])).reason is SteadyReason.TOO_FEW


def test_no_io_is_no_steady_state():
    assert judged([0.0] * 100).reason is SteadyReason.NO_IO
    assert judged([5.0] + [0.0] * 9, step_s=60.0).reason is SteadyReason.TOO_FEW


def test_constant_series_is_steady():
    found = judged([100.0] * 100)
    assert (found.reason, found.range, found.slope) == (SteadyReason.STEADY, 0.0, 0.0)
    assert (found.mean_low, found.mean_high) == (100.0, 100.0)
