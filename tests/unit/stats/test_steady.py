"""SNIA's window and the rounds it looks at."""

import numpy as np
import pytest

from storperf.model.ending import SteadyRule
from storperf.stats.steady import last_window, rounds_from_series, snia_window

RULE = SteadyRule(round_s=10.0)
GOLDEN = (228.90, 240.21, 240.60, 240.71, 240.71)


def test_golden_vector_of_snia_is_steady_with_the_published_figures():
    figures = snia_window(GOLDEN, RULE)
    assert figures.range == pytest.approx(11.81)
    assert figures.slope == pytest.approx(2.412)
    assert figures.excursion == pytest.approx(9.648)
    assert figures.range_share == pytest.approx(0.0496, abs=1e-4)
    assert figures.excursion_share == pytest.approx(0.0405, abs=1e-4)
    assert figures.is_steady


def test_range_of_exactly_twenty_percent_is_still_steady():
    assert snia_window((90.0, 110.0, 100.0, 110.0, 90.0), RULE).is_steady
    assert not snia_window((89.0, 110.0, 101.0, 110.0, 90.0), RULE).is_steady


def test_excursion_above_ten_percent_is_not_steady_in_either_direction():
    rising = (95.0, 97.5, 100.0, 102.5, 105.0)
    assert snia_window(rising, RULE).excursion == pytest.approx(10.0)
    assert snia_window(rising, RULE).is_steady
    steeper = (94.0, 97.0, 100.0, 103.0, 106.0)
    assert not snia_window(steeper, RULE).is_steady
    assert not snia_window(steeper[::-1], RULE).is_steady


def test_slope_is_per_round_and_excursion_spans_the_window():
    figures = snia_window((100.0, 101.0, 102.0, 103.0, 104.0), RULE)
    assert figures.slope == pytest.approx(1.0)
    assert figures.excursion == pytest.approx(4.0)


@pytest.mark.parametrize("values", [(1.0,) * 4, (1.0,) * 6, ()])
def test_window_of_another_length_is_refused(values):
    with pytest.raises(ValueError, match="5 rounds"):
        snia_window(values, RULE)


def test_window_without_io_is_refused():
    with pytest.raises(ValueError, match="no I/O"):
        snia_window((0.0,) * 5, RULE)


def seconds(count, start=1000.0):
    return start + 1.0 + np.arange(count)


def test_rounds_are_means_of_complete_rounds_only():
    values = np.repeat([10.0, 20.0, 30.0], 10)
    assert rounds_from_series(seconds(30), values, 10.0) == [10.0, 20.0, 30.0]
    assert rounds_from_series(seconds(29), values[:29], 10.0) == [10.0, 20.0]


def test_a_longer_series_keeps_the_rounds_of_the_shorter_one():
    values = np.random.default_rng(3).normal(100, 5, 57)
    short = rounds_from_series(seconds(34), values[:34], 10.0)
    assert rounds_from_series(seconds(57), values, 10.0)[: len(short)] == short


def test_short_first_slice_does_not_shift_the_rounds():
    times = seconds(30) - 0.1
    times[0] = 1000.9
    assert len(rounds_from_series(times, np.ones(30), 10.0)) == 3


def test_rounds_before_a_gap_do_not_count():
    times, values = seconds(50), np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 10)
    kept = np.ones(50, dtype=bool)
    kept[12:19] = False
    assert rounds_from_series(times[kept], values[kept], 10.0) == [3.0, 4.0, 5.0]


def test_last_window_holds_no_unknown_round():
    rounds = np.array([1.0, 1, 1, 1, 1, 1, np.nan, 1])
    assert last_window(rounds, RULE) == 1
    assert last_window(rounds[:5], RULE) == 0
    assert last_window(rounds[2:], RULE) is None


def test_no_series_has_no_rounds():
    assert rounds_from_series(np.zeros(0), np.zeros(0), 10.0) == []
    assert rounds_from_series(np.ones(1), np.ones(1), 10.0) == []


def test_round_without_length_is_refused():
    with pytest.raises(ValueError, match="round lasts"):
        rounds_from_series(seconds(5), np.ones(5), 0.0)
