"""Two sets of runs: how far apart they are, and how often equal ones are called unlike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.metric import METRICS
from storperf.stats.prior import Prior
from storperf.stats.screen import screen
from storperf.stats.two_sets import distance

PRIOR = Prior(sigma=0.03, df=4.0, source="a test")
NONE = Prior(sigma=0.0, df=0.0, source="these runs alone")


def runs(rng, count, sigma, shift=0.0):
    return (1000 * np.exp(rng.normal(shift, sigma, count))).tolist()


def test_one_run_on_each_side_is_the_screen():
    found = distance([1000.0], [950.0], PRIOR)
    single = screen(950.0, [1000.0], metric=METRICS["iops"], prior=PRIOR, alpha=0.15)
    low, high = found.interval()
    assert (low, high) == pytest.approx((single.change_low, single.change_high))
    assert found.p_worse(higher_is_better=True) == pytest.approx(single.p)
    visible = found.smallest_visible(0.15, higher_is_better=True)
    assert visible == pytest.approx(single.smallest_visible)


@pytest.mark.parametrize(
    ("sizes", "sigmas"),
    [
        ((5, 5), (0.02, 0.02)),
        ((10, 10), (0.02, 0.02)),
        ((30, 5), (0.02, 0.02)),
        # Two clouds of which one is noisier: where the pooled variance of Student would fail.
        ((30, 5), (0.01, 0.05)),
        ((5, 30), (0.01, 0.05)),
        ((10, 10), (0.01, 0.06)),
        ((5, 30), (0.05, 0.01)),
    ],
)
@pytest.mark.parametrize("prior", [PRIOR, NONE])
def test_sets_of_equal_hosts_are_called_worse_about_as_often_as_the_level_says(
    sizes, sigmas, prior
):
    rng = np.random.default_rng([*sizes, *(int(1000 * each) for each in sigmas)])
    repetitions, alarms = 1000, {0.15: 0, 0.01: 0}
    for _ in range(repetitions):
        sets = [runs(rng, n, sigma) for n, sigma in zip(sizes, sigmas, strict=True)]
        p_value = distance(*sets, prior).p_worse(higher_is_better=True)
        for level in alarms:
            alarms[level] += p_value <= level
    for level, count in alarms.items():
        # Medians cost more than their asymptotic share: up to 1.6 times the level.
        assert count / repetitions <= 1.6 * level + 3 * (level / repetitions) ** 0.5, (level, count)


def test_loss_of_ten_percent_is_found_with_five_runs_each_on_a_usual_host():
    rng, found = np.random.default_rng(3), 0
    for _ in range(200):
        lost = runs(rng, 5, 0.024, np.log(0.9))
        p_value = distance(runs(rng, 5, 0.024), lost, PRIOR).p_worse(higher_is_better=True)
        found += p_value <= 0.01
    assert found >= 190


@given(
    st.floats(1e-3, 1e9),
    st.integers(1, 12),
    st.integers(1, 12),
    st.booleans(),
)
def test_equal_values_are_never_worse_and_the_interval_holds_no_change(value, n, m, better):
    found = distance([value] * n, [value] * m, PRIOR)
    low, high = found.interval()
    assert low <= 1e-12
    assert high >= -1e-12
    assert found.p_worse(higher_is_better=better) == 1.0


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=9), st.floats(0.5, 2.0))
def test_turned_round_the_distance_is_the_same_the_other_way(values, factor):
    moved = [value * factor for value in values[:4]]
    there, back = distance(values, moved, PRIOR), distance(moved, values, PRIOR)
    assert there.shift == pytest.approx(-back.shift)
    assert there.error == pytest.approx(back.error)
    assert there.df == pytest.approx(back.df)


def test_direction_follows_the_metric():
    found = distance([1000.0] * 5, [1100.0] * 5, PRIOR)
    assert found.p_worse(higher_is_better=True) == 1.0
    assert found.p_worse(higher_is_better=False) < 0.01
