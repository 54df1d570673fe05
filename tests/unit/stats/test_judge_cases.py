"""Decisions on plain numbers: every cause, and what odd baselines come to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.decision import Case, Cause, Rule
from storperf.model.verdict import Outcome
from storperf.stats.judge_cases import judge_cases
from storperf.stats.multiple import benjamini_hochberg, without_chance

TEN = (100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8, 100.1, 99.9, 100.0)


def judged(baseline=TEN, candidates=(100.0,), **changes):
    settings = {"name": "x", "prior_spread": 0.01, **changes}
    (found,) = judge_cases([Case(baseline=baseline, candidates=candidates, **settings)])
    return found


def same_pairs(share, count):
    return tuple((100.0 + number / 10, (100.0 + number / 10) * share) for number in range(count))


def test_equal_run_is_proven_and_costs_nothing_more():
    found = judged()
    assert (found.cause, found.rule, found.runs_used) == (Cause.PROVEN, Rule.SCREEN, 1)
    assert found.low > -0.05
    assert found.pairs_needed == found.runs_needed == 0
    assert "proven within 5 %" in found.sentence


def test_wide_spread_passes_without_proof_and_says_what_it_would_have_seen():
    found = judged(prior_spread=0.06, baseline=TEN[:1])
    assert found.cause is Cause.NOT_WORSE
    assert found.smallest_visible > 0.08
    assert "nothing seen; would have seen" in found.sentence
    assert "proven" not in found.sentence


def test_screen_alone_never_fails():
    found = judged(candidates=(50.0,))
    assert found.cause is Cause.SUSPICIOUS
    assert found.cause.outcome is Outcome.INCONCLUSIVE
    assert found.pairs_needed >= 3
    assert found.runs_needed == 3


def test_pairs_make_a_suspicion_a_regression():
    found = judged(candidates=(90.0,), pairs=same_pairs(0.9, 8))
    assert (found.cause, found.pairs_used, found.runs_used) == (Cause.REGRESSION, 3, 7)
    assert found.low < found.change < found.high < 0
    assert found.change == pytest.approx(-0.1)
    assert found.p < 0.004


def test_pairs_clear_a_suspicion():
    found = judged(candidates=(90.0,), pairs=same_pairs(1.0, 8))
    assert (found.cause, found.rule) == (Cause.PROVEN, Rule.PAIRS)


def test_pairs_in_between_are_undecided_after_eight():
    pairs = tuple((100.0, value) for value in (96, 90, 102, 95, 97, 91, 101, 96))
    found = judged(candidates=(90.0,), pairs=pairs, prior_spread=0.05, baseline=TEN[:2])
    assert (found.cause, found.pairs_used, found.runs_used) == (Cause.UNDECIDED, 8, 17)
    assert found.pairs_needed >= 1
    assert found.runs_needed is None


def test_repeats_make_a_regression_with_a_wider_interval_than_pairs():
    by_pairs = judged(candidates=(80.0,), pairs=same_pairs(0.8, 3))
    by_repeats = judged(candidates=(80.0,), repeats=(80.0, 80.1, 79.9))
    assert by_repeats.cause is Cause.REGRESSION
    assert by_repeats.rule is Rule.REPEATS
    assert by_repeats.high - by_repeats.low > by_pairs.high - by_pairs.low


def test_three_candidates_together_can_fail_and_two_cannot():
    assert judged(candidates=(80.0, 80.1, 79.9)).cause is Cause.REGRESSION
    assert judged(candidates=(80.0, 80.1)).cause is Cause.SUSPICIOUS
    assert judged(candidates=(100.0, 20.0, 99.0)).cause is Cause.PROVEN


@pytest.mark.parametrize(
    ("baseline", "candidates", "pairs", "cause"),
    [
        ((), (100.0,), (), Cause.NO_BASELINE),
        ((), (), (), Cause.NO_BASELINE),
        ((), (100.0,), same_pairs(1.0, 2), Cause.TOO_FEW),
        (TEN, (), (), Cause.TOO_FEW),
        ((), (), same_pairs(0.8, 8), Cause.REGRESSION),
        (TEN, (), same_pairs(1.0, 8), Cause.PROVEN),
    ],
)
def test_what_is_missing_has_a_word(baseline, candidates, pairs, cause):
    found = judged(baseline=baseline, candidates=candidates, pairs=pairs)
    assert found.cause is cause
    if cause.outcome is Outcome.INCONCLUSIVE:
        assert found.change is found.p is found.smallest_visible is None
        assert found.sentence


def test_latency_gets_worse_upwards():
    pairs = same_pairs(1.1, 3)
    up = judged(candidates=(110.0,), pairs=pairs, higher_is_better=False)
    assert up.cause is Cause.REGRESSION
    assert up.change == pytest.approx(0.1)
    assert 0 < up.low < up.change < up.high
    assert judged(candidates=(110.0,), pairs=pairs).cause is Cause.IMPROVED


def test_no_spread_at_all_leaves_the_margin_of_two_percent():
    flat = (100.0,) * 10
    assert judged(baseline=flat, candidates=(98.5,), prior_spread=None).cause is Cause.NOT_WORSE
    found = judged(baseline=flat, candidates=(90.0,), prior_spread=None)
    assert found.cause is Cause.SUSPICIOUS
    assert found.smallest_visible >= 0.02


def test_baseline_with_two_levels_or_a_drift_proves_nothing():
    two = (100.0, 130.0) * 5
    found = judged(baseline=two, candidates=(115.0,))
    assert (found.cause, found.notes) == (Cause.NOT_WORSE, ("two_modes",))
    slope = tuple(100.0 * 0.999**run for run in range(30))
    found = judged(baseline=slope, candidates=(98.6,))
    assert (found.cause, found.notes) == (Cause.NOT_WORSE, ("drift",))


def test_outlier_in_the_baseline_is_left_out_and_told():
    found = judged(baseline=(*TEN, 20.0), candidates=(100.0,))
    assert (found.cause, found.notes) == (Cause.PROVEN, ("outlier_left_out",))


def test_steady_baselines_are_rarely_called_odd():
    rng = np.random.default_rng(51)
    for runs in (8, 10, 30):
        rows = np.exp(rng.normal(0, 0.03, (2000, runs)))
        cases = [Case(name="", baseline=tuple(row), candidates=(1.0,)) for row in rows]
        odd = [set(found.notes) & {"two_modes", "drift"} for found in judge_cases(cases)]
        assert np.mean([bool(each) for each in odd]) <= 0.025


def test_of_a_long_baseline_the_last_thirty_runs_count():
    assert judged(baseline=(50.0,) * 10_000 + TEN * 3).baseline_runs == 30
    assert judged(baseline=(50.0,) * 10_000 + TEN * 3).change == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_what_has_no_logarithm_is_refused(value):
    with pytest.raises(ValueError, match="not finite and above zero"):
        judged(candidates=(value,))


def test_fault_makes_an_open_case_invalid_and_leaves_a_settled_one_alone():
    worse, spoilt = ((100.0, 80.0),) * 3, ((100.0, 80.0),) * 2
    assert judged(TEN, (100.0,), pairs=spoilt, fault="pair 3").cause is Cause.PROVEN
    assert judged(TEN, (80.0,), pairs=worse, fault="pair 4").cause is Cause.REGRESSION
    found = judged(TEN, (80.0,), pairs=spoilt, fault="pair 3")
    assert (found.cause, found.sentence) == (
        Cause.INVALID,
        "pair 3 is no measurement above zero.",
    )
    assert judged((), (), fault="base 0").cause.outcome is Outcome.INCONCLUSIVE


@given(
    st.lists(st.floats(1e-6, 1e12), max_size=12),
    st.lists(st.floats(1e-6, 1e12), max_size=4),
    st.lists(st.tuples(st.floats(1e-6, 1e12), st.floats(1e-6, 1e12)), max_size=9),
    st.sampled_from([None, 0.001, 0.5]),
)
def test_any_numbers_end_in_a_decision(baseline, candidates, pairs, spread):
    found = judged(tuple(baseline), tuple(candidates), pairs=tuple(pairs), prior_spread=spread)
    assert found.cause in Cause
    assert found.low is None or found.low <= found.change <= found.high


NEAR = st.floats(70.0, 130.0)
PAIRS = st.lists(st.tuples(NEAR, NEAR), min_size=8, max_size=8)


@given(st.lists(NEAR, min_size=1, max_size=12), NEAR, PAIRS, PAIRS)
def test_values_that_no_rule_asked_for_change_nothing(baseline, candidate, pairs, others):
    found = judged(tuple(baseline), (candidate,), pairs=tuple(pairs))
    kept = pairs[: found.pairs_used]
    changed = kept + others[found.pairs_used :]
    assert judged(tuple(baseline), (candidate,), pairs=tuple(changed)) == found


@given(st.floats(1e-3, 1e9), st.integers(1, 40), st.integers(0, 8))
def test_equal_values_never_fail_and_are_never_suspicious(value, runs, pairs):
    found = judged((value,) * runs, (value,), pairs=((value, value),) * pairs, prior_spread=0.02)
    assert found.cause.outcome is Outcome.PASS
    assert found.change == pytest.approx(0.0, abs=1e-9)


def test_benjamini_hochberg_keeps_what_the_paper_keeps():
    # The example of Benjamini and Hochberg 1995, section 3.2: four of fifteen.
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.000),
    ]
    assert benjamini_hochberg(p_values) == [True] * 4 + [False] * 11
    assert benjamini_hochberg([]) == []


def test_many_unchanged_figures_alarm_together_about_as_often_as_one():
    rng = np.random.default_rng(52)
    alarms, repetitions = 0, 60
    for _ in range(repetitions):
        values = np.exp(rng.normal(0, 0.02, (500, 11)))
        cases = [
            Case(name=str(n), baseline=tuple(row[:10]), candidates=(row[10],), prior_spread=0.02)
            for n, row in enumerate(values)
        ]
        found = without_chance(judge_cases(cases))
        alarms += any(each.cause is Cause.SUSPICIOUS for each in found)
    assert alarms / repetitions <= 0.05 + 3 * (0.05 / repetitions) ** 0.5


def test_primary_figure_decides_for_itself_and_a_large_loss_stands_among_many():
    cases = [
        Case(name=str(n), baseline=TEN, candidates=(100.0,), prior_spread=0.01) for n in range(98)
    ]
    small = Case(name="small", baseline=TEN, candidates=(97.5,), prior_spread=0.01)
    large = Case(name="large", baseline=TEN, candidates=(60.0,), prior_spread=0.01)
    found = without_chance(judge_cases([*cases, small, large]))
    assert [each.case for each in found if each.cause is Cause.SUSPICIOUS] == ["large"]
    found = without_chance(judge_cases([*cases, small, large]), "small")
    assert found[-2].cause is Cause.SUSPICIOUS
