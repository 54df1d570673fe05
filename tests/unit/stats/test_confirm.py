"""From a suspicion to a verdict: rates on seeded trials, and what a look may read."""

from dataclasses import replace

import numpy as np
import pytest
from unit.stats.unchanged import FAMILIES, outcomes, trials

from storperf.model.ending import LOOKS
from storperf.stats.confirm import By, Call, decide, loss_distance
from storperf.stats.estimates import from_baseline, from_pairs


def share(found, test):
    return float(np.mean([test(each).mean() for each in found.values()]))


def is_worse(found):
    return found.call == Call.WORSE


def is_unclear(found):
    return found.call == Call.UNCLEAR


@pytest.mark.parametrize("runs", [0, 1, 3, 5, 10, 30])
def test_unchanged_build_fails_in_at_most_half_a_percent(runs):
    found = outcomes([31, runs], 4000, runs)
    assert share(found, is_worse) <= (0.005 if runs else 0.008)
    assert max(is_worse(each).mean() for each in found.values()) <= (0.01 if runs else 0.015)


def test_unchanged_build_costs_few_runs_and_is_rarely_undecided():
    found = outcomes(32, 4000, 10)
    assert share(found, lambda each: 1 + 2 * each.looked) <= 2.75
    assert share(found, is_unclear) <= 0.055


def test_losses_are_found():
    assert share(outcomes(33, 2000, 10, loss=0.10), is_worse) >= 0.78
    assert share(outcomes(34, 2000, 10, loss=0.05), is_worse) >= 0.55
    assert is_worse(outcomes(35, 2000, 10, loss=0.10)["quiet"]).mean() >= 0.99


@pytest.mark.parametrize("runs", [1, 3, 5, 10, 30])
def test_proof_within_five_percent_is_rarely_given_to_a_loss_of_seven(runs):
    found = outcomes([36, runs], 3000, runs, loss=0.07)
    for name, each in found.items():
        assert ((each.call == Call.FINE) & each.is_proven).mean() <= 0.05, name


@pytest.mark.parametrize("runs", [3, 10, 30])
def test_repeats_of_one_session_hardly_ever_fail_an_unchanged_build(runs):
    found = outcomes([37, runs], 4000, runs, repeats=True)
    assert share(found, is_worse) <= 0.005


def test_spread_known_wrongly_by_a_factor_of_two_fails_few_unchanged_builds():
    for prior in (0.5, 2.0):
        assert share(outcomes([38, int(prior * 2)], 4000, 10, prior=prior), is_worse) <= 0.01


def test_improvement_is_as_rarely_seen_by_chance_as_a_regression():
    found = outcomes(39, 4000, 10)
    assert share(found, lambda each: each.is_improved) <= 0.01
    better = outcomes(40, 1000, 10, loss=-0.15)
    assert better["quiet"].is_improved.mean() >= 0.95


def test_values_behind_the_deciding_look_are_not_read():
    cases = trials(np.random.default_rng(41), FAMILIES["typical"], 2000, 5, loss=0.05)
    found = decide(cases)
    later = np.arange(cases.pairs.shape[1]) >= found.looked[:, None]
    other = decide(replace(cases, pairs=np.where(later, -9.0, cases.pairs)))
    assert set(found.looked.tolist()) == {0, *LOOKS}
    assert found.call.tolist() == other.call.tolist()
    assert found.estimates.shift.tolist() == other.estimates.shift.tolist()


def test_fewer_than_three_pairs_settle_nothing():
    cases = trials(np.random.default_rng(42), FAMILIES["typical"], 200, 5, loss=0.2)
    found = decide(replace(cases, pairs=cases.pairs[:, :2]))
    assert set(found.by.tolist()) == {By.SCREEN}
    assert Call.WORSE not in found.call


def test_without_a_baseline_the_pairs_decide_alone():
    cases = trials(np.random.default_rng(43), FAMILIES["quiet"], 200, 1, loss=0.1)
    found = decide(replace(cases, baseline=np.zeros((200, 0))))
    assert set(found.by.tolist()) == {By.PAIRS}
    assert is_worse(found).mean() >= 0.99


def test_pairs_that_a_suspicion_asked_for_find_more_than_pairs_alone():
    cases = trials(np.random.default_rng(45), FAMILIES["noisy"], 3000, 1, loss=0.1)
    alone = replace(cases, baseline=np.zeros((3000, 0)))
    found = decide(replace(alone, is_suspected=True))
    assert is_worse(found).mean() > is_worse(decide(alone)).mean() + 0.05


def test_one_pair_that_was_hit_does_not_hide_what_the_others_show():
    clean = np.array([[-0.10, -0.11, -0.09, -0.10, -0.10]])
    hit = np.array([[-0.10, -0.11, -0.09, -0.10, -0.60]])
    known = np.array([0.01]), np.array([4.0])
    before, after = from_pairs(clean, *known), from_pairs(hit, *known)
    assert after.shift == pytest.approx(before.shift)
    assert after.error < 2 * before.error


def test_pair_error_is_that_of_the_formula():
    found = from_pairs(np.array([[-0.01, 0.0, 0.01]]), np.array([0.02]), np.array([13.0]))
    variance = (4 * (0.85 * 2**0.5 * 0.02) ** 2 + 2e-4) / 6
    assert found.df == pytest.approx(6)
    assert found.error == pytest.approx((variance * 1.25 / 3) ** 0.5)


def test_rows_do_not_influence_each_other():
    rng = np.random.default_rng(44)
    baseline, values = rng.normal(size=(50, 6)), rng.normal(size=50)
    prior = np.full(50, 0.5), np.full(50, 4.0)
    together = from_baseline(values, baseline, *prior)
    for row in range(50):
        only = slice(row, row + 1)
        alone = from_baseline(values[only], baseline[only], prior[0][only], prior[1][only])
        assert alone.shift[0] == together.shift[row]
        assert alone.error[0] == pytest.approx(together.error[row])


def test_loss_lies_on_the_side_of_the_metric():
    assert np.exp(-loss_distance(0.05, higher_is_better=True)) == pytest.approx(0.95)
    assert np.exp(loss_distance(0.05, higher_is_better=False)) == pytest.approx(1.05)
