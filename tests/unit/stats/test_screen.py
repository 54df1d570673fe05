"""The screen of one value against earlier runs, and what is known before them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.metric import METRICS
from storperf.stats.prior import (
    DEFAULT_SIGMA,
    DEFAULT_TAIL_SIGMA,
    Prior,
    Spread,
    choose_prior,
    hampel_kept,
    spread_of,
)
from storperf.stats.screen import screen, sidak
from storperf.stats.student import t_quantile

IOPS, P99 = METRICS["iops"], METRICS["clat_p99"]
PRIOR = Prior(sigma=0.05, df=4.0, source="a test")


def look(value, baseline, *, metric=IOPS, prior=PRIOR, alpha=0.2):
    return screen(value, baseline, metric=metric, prior=prior, alpha=alpha)


def test_t_quantile_is_that_of_the_tables():
    assert t_quantile(0.975, 9) == pytest.approx(2.262157, abs=1e-6)
    assert t_quantile(0.80, 4) == pytest.approx(0.940965, abs=1e-6)


def test_one_run_is_judged_by_the_prior_alone():
    expected = 1 - np.exp(-0.940965 * 0.05 * 2**0.5)
    assert look(1000.0, [1000.0]).threshold == pytest.approx(expected, rel=1e-5)


def test_three_runs_weigh_two_of_six_degrees_of_freedom():
    logs = np.array([-0.1, 0.0, 0.1])
    sigma = ((4 * 0.05**2 + 0.02) / 6) ** 0.5
    expected = t_quantile(0.8, 6) * sigma * (4 / 3) ** 0.5
    found = look(1.0, list(np.exp(logs)))
    assert found.threshold == pytest.approx(1 - np.exp(-expected))
    assert found.centre == pytest.approx(1.0)


def test_centre_is_the_mean_below_five_runs_and_the_median_from_five_on():
    assert look(1.0, [1.0, 1.0, 1.0, np.e**0.4]).centre == pytest.approx(np.exp(0.1))
    five = [0.98, 0.99, 1.0, 1.02, 1.03]
    assert look(1.0, five).centre == pytest.approx(1.0)


def test_median_of_the_baseline_counts_with_its_own_scatter():
    logs = np.array([-0.05, -0.03, -0.01, 0.01, 0.03, 0.05])
    sigma = ((4 * 0.05**2 + (logs**2).sum()) / 9) ** 0.5
    expected = t_quantile(0.8, 9) * sigma * (1 + np.pi / 12) ** 0.5
    assert look(1.0, list(np.exp(logs))).threshold == pytest.approx(1 - np.exp(-expected))


def test_outlier_in_the_baseline_does_not_blind_the_screen():
    clean = [0.99, 1.0, 1.01, 1.0, 0.995, 1.005, 1.0, 0.99, 1.01]
    assert look(0.9, [*clean, 0.2]).is_suspicious
    assert look(0.9, clean).threshold == pytest.approx(look(0.9, [*clean, 0.2]).threshold, rel=0.2)


@pytest.mark.parametrize(("metric", "worse", "better"), [(IOPS, 0.5, 2.0), (P99, 2.0, 0.5)])
def test_direction_follows_the_metric(metric, worse, better):
    assert look(worse, [1.0] * 3, metric=metric).is_suspicious
    assert not look(worse, [1.0] * 3, metric=metric).is_improved
    assert look(better, [1.0] * 3, metric=metric).is_improved
    assert not look(better, [1.0] * 3, metric=metric).is_suspicious


@pytest.mark.parametrize(
    ("metric", "inside", "outside"), [(IOPS, 0.981, 0.979), (P99, 1.019, 1.021)]
)
def test_margin_of_two_percent_holds_without_any_noise(metric, inside, outside):
    quiet = Prior(sigma=0.0, df=0.0, source="none")
    baseline = [1.0] * 10
    assert not look(inside, baseline, metric=metric, prior=quiet).is_suspicious
    assert look(outside, baseline, metric=metric, prior=quiet).is_suspicious


@pytest.mark.parametrize(("metric", "worse"), [(IOPS, 0.955), (P99, 1.045)])
def test_proven_is_said_when_the_interval_ends_above_a_loss_of_five_percent(metric, worse):
    quiet = Prior(sigma=0.01, df=4.0, source="a test")
    ten = [1.0] * 10
    assert look(1.0, ten, metric=metric, prior=quiet).is_proven
    assert not look(worse, ten, metric=metric, prior=quiet).is_proven
    assert not look(1.0, [1.0] * 3, metric=metric, prior=quiet).is_proven
    assert not look(1.0, ten, metric=metric, prior=Prior(sigma=0.1, df=4.0, source="")).is_proven


def test_interval_holds_the_change_and_more_runs_make_it_narrower():
    few, many = look(0.97, [1.0] * 3), look(0.97, [1.0] * 30)
    assert few.change == pytest.approx(-0.03)
    assert few.change_low < many.change_low < many.change < many.change_high < few.change_high


def test_smallest_visible_is_seen_four_times_of_five():
    rng = np.random.default_rng(11)
    prior = Prior(sigma=0.05, df=1e6, source="known")
    found = look(1.0, [1.0] * 4, prior=prior, alpha=0.05)
    lost = np.log1p(-found.smallest_visible)
    baselines = rng.normal(0, 0.05, (4000, 4)).mean(axis=1)
    values = rng.normal(lost, 0.05, 4000)
    limit = np.log1p(-found.threshold)
    assert np.mean(values - baselines < limit) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("value", "baseline"), [(1.0, []), (0.0, [1.0]), (1.0, [1.0, 0.0])])
def test_what_has_no_logarithm_is_refused(value, baseline):
    with pytest.raises(ValueError, match="positive"):
        look(value, baseline)


@given(
    st.floats(1e-3, 1e12),
    st.integers(1, 40),
    st.sampled_from([IOPS, P99]),
    st.floats(0, 1),
    st.floats(1e-4, 0.5),
)
def test_value_equal_to_its_baseline_is_neither_worse_nor_better(value, n, metric, sigma, alpha):
    prior = Prior(sigma=sigma, df=4.0, source="a test")
    found = look(value, [value] * n, metric=metric, prior=prior, alpha=alpha)
    assert not found.is_suspicious
    assert not found.is_improved
    assert found.change == pytest.approx(0.0, abs=1e-9)


def test_sidak_gives_the_family_its_level():
    for checks in (1, 2, 16, 100):
        assert 1 - (1 - sidak(0.2, checks)) ** checks == pytest.approx(0.2)
    with pytest.raises(ValueError, match="family"):
        sidak(0.2, 0)


def test_hampel_leaves_few_values_alone_and_takes_out_only_what_is_far_off():
    assert len(hampel_kept(np.array([0.0, 0.0, 0.1, 9.0]))) == 4
    values = np.array([0.0, 0.1, -0.1, 0.05, -0.05, 9.0])
    assert hampel_kept(values).tolist() == values[:-1].tolist()


NOTHING = Spread(squares=0.0, df=0)


def test_pooled_spread_is_weighted_by_degrees_of_freedom_and_set_too_high():
    pair, many = spread_of(np.exp([0.0, 0.2])), spread_of([1.0] * 11)
    found = choose_prior("iops", 3, pair + pair + many)
    assert found.sigma == pytest.approx(1.15 * (0.04 / 12) ** 0.5)
    assert found.df == 4.0


def test_own_spread_is_taken_out_of_the_pool():
    own, other = spread_of(np.exp([0.0, 0.2])), spread_of([1.0] * 9)
    rest = own + other - own
    assert rest.df == other.df
    assert rest.squares == pytest.approx(other.squares)


def test_other_baselines_come_before_the_own_and_the_own_before_the_default():
    eight = spread_of(list(np.exp(np.linspace(-0.1, 0.1, 9))))
    assert choose_prior("iops", 9, eight).source.startswith("this lab's other")
    assert choose_prior("iops", 9, NOTHING).df == 0.0
    assert choose_prior("iops", 8, NOTHING).sigma == DEFAULT_SIGMA
    assert choose_prior("clat_p99", 1, NOTHING).sigma == DEFAULT_TAIL_SIGMA
    seven = spread_of(list(np.exp(np.linspace(-0.1, 0.1, 8))))
    assert choose_prior("iops", 1, seven).sigma == DEFAULT_SIGMA


def test_one_run_without_a_prior_cannot_be_screened_with():
    with pytest.raises(ValueError, match="no spread"):
        look(1.0, [1.0], prior=Prior(sigma=0.0, df=0.0, source="nothing"))
