"""Changes of level in histories, and the trigger that starts a confirmation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from unit.stats.builders import ar1

from storperf.stats.changes import find_changes, winsorised
from storperf.stats.partition import FEWEST_OF_A_LINE, FEWEST_RUNS, LINE_PRICE, optimal_cuts
from storperf.stats.trigger import loss_trigger


def history(rng, count, *steps, sigma=0.02):
    """Values around 1000; each step (at, share) moves all that follow."""
    logs = rng.normal(0, sigma, count)
    for at, share in steps:
        logs[at:] += np.log1p(share)
    return 1000 * np.exp(logs)


def places(values):
    return [each.index for each in find_changes(values)]


def brute_force(values, penalty):
    """The best partition by trying them all, from the definition."""
    best = {0: (0.0, ())}
    for end in range(1, len(values) + 1):
        tried = []
        for start in [each for each in best if end - each >= FEWEST_RUNS]:
            part = values[start:end]
            cost, cuts = best[start]
            error = ((part - part.mean()) ** 2).sum()
            if len(part) >= FEWEST_OF_A_LINE:
                at = np.arange(len(part))
                rest = part - np.polyval(np.polyfit(at, part, 1), at)
                error = min(error, (rest**2).sum() + LINE_PRICE * penalty)
            tried.append((cost + error + penalty, (*cuts, start)))
        if tried:
            best[end] = min(tried)
    return list(best[len(values)][1][1:])


def test_step_is_found_where_it_is_with_its_size_inside_of_the_interval():
    rng = np.random.default_rng(61)
    (found,) = find_changes(history(rng, 80, (50, -0.10)))
    assert abs(found.index - 50) <= 1
    assert found.low < -0.10 < found.high < 0
    assert found.after < found.before


@pytest.mark.parametrize("drift", [0.0, 40.0])
def test_partition_is_the_best_there_is(drift):
    rng = np.random.default_rng(62)
    for count in (6, 7, 13, 20):
        values = history(rng, count, (count // 2, 0.1)) + drift * np.arange(count)
        for penalty in (10.0, 1000.0, 20_000.0):
            assert optimal_cuts(values, penalty) == brute_force(values, penalty)


@pytest.mark.parametrize("count", [513, 3000, 10_000])
def test_places_that_are_tried_of_a_long_history_hold_the_changes(count):
    rng = np.random.default_rng([77, count])
    steps = [(round(count * part), share) for part, share in ((0.1, 0.08), (0.5, -0.1), (0.9, 0.1))]
    values = history(rng, count, *steps)
    assert places(values) == pytest.approx([at for at, _ in steps], abs=3)


def test_of_a_long_history_the_whole_counts():
    values = history(np.random.default_rng(78), 9000, (200, -0.3), (8990, -0.2))
    assert places(values) == pytest.approx([200, 8990], abs=1)


@pytest.mark.parametrize("noise", [0.0, 2.0, 20.0])
@pytest.mark.parametrize("count", [40, 300, 900])
def test_a_drift_is_no_staircase(noise, count):
    rng = np.random.default_rng(79)
    assert places(1000 + 5 * np.arange(count) + noise * rng.normal(size=count)) == []


def test_a_step_inside_of_a_drift_is_found():
    rng = np.random.default_rng(80)
    values = 1000 + 2 * np.arange(120) + 5 * rng.normal(size=120)
    values[70:] -= 200
    assert places(values) == pytest.approx([70], abs=1)


def test_a_drift_that_begins_late_is_one_change_where_it_begins():
    rng = np.random.default_rng(83)
    values = 1000 + np.concatenate([np.zeros(100), 5.0 * np.arange(200)])
    (at,) = places(values + 20 * rng.normal(size=300))
    assert at == pytest.approx(100, abs=8)


def test_a_fall_back_to_where_a_drift_began_is_told_with_what_stood_on_both_sides():
    rng = np.random.default_rng(84)
    values = 1000 + np.tile(5.0 * np.arange(150), 2)
    (found,) = find_changes(values + 20 * rng.normal(size=300))
    assert found.index == pytest.approx(150, abs=1)
    assert (found.before, found.after) == pytest.approx((1750, 1000), rel=0.02)
    assert found.low < 1000 / 1750 - 1 < found.high


@pytest.mark.parametrize("count", [700, 5000])
def test_each_cut_of_a_long_history_is_the_best_between_its_neighbours(count):
    rng = np.random.default_rng([85, count])
    for _ in range(5):
        steps = count // 80
        at = np.sort(rng.choice(np.arange(20, count - 20, 20), steps, replace=False))
        shares = [((0.15, -0.13)[number % 2]) for number in range(steps)]
        values = history(rng, count, *zip(at.tolist(), shares, strict=True), sigma=0.04)
        ends = [0, *optimal_cuts(values, 6 * 2 * np.log(count) * 40.0**2), count]
        for before, cut, after in zip(ends, ends[1:], ends[2:], strict=False):
            left = np.cumsum(values[before:after] - values[before:after].mean())[:-1]
            size = np.arange(1, after - before)
            gain = left**2 * (1 / size + 1 / (after - before - size))
            inner = gain[FEWEST_RUNS - 1 : len(gain) - FEWEST_RUNS + 1]
            assert gain[cut - before - 1] == pytest.approx(inner.max())


def test_steps_in_one_direction_are_no_drift():
    rng = np.random.default_rng(81)
    found = [places(history(rng, 90, (30, 0.06), (60, 0.06))) for _ in range(40)]
    assert np.mean([len(each) == 2 for each in found]) >= 0.85


def test_outliers_are_no_changes():
    values = history(np.random.default_rng(63), 100)
    values[[20, 50, 51, 80]] *= (0.5, 0.4, 0.6, 2.0)
    assert places(values) == []


def test_steps_below_one_percent_are_left_out_however_sure_they_are():
    rng = np.random.default_rng(64)
    assert places(history(rng, 200, (100, -0.008), sigma=0.001)) == []
    assert len(places(history(rng, 200, (100, -0.012), sigma=0.001))) == 1


def test_steps_below_two_percent_are_left_out_unless_they_stand_out():
    rng = np.random.default_rng(82)
    assert places(history(rng, 400, (200, -0.015), sigma=0.008)) == []
    assert len(places(history(rng, 400, (200, -0.025), sigma=0.008))) == 1


@pytest.mark.parametrize("sigma", [0.0, 1e-6, 0.001, 0.01])
@pytest.mark.parametrize("count", [20, 60])
def test_step_is_no_noise_however_quiet_the_rest_is(sigma, count):
    values = history(np.random.default_rng(76), count, (count // 2, -0.10), sigma=sigma)
    assert places(values) == [count // 2]


def test_up_and_back_are_two_changes():
    found = places(history(np.random.default_rng(65), 120, (40, 0.2), (80, -1 / 6)))
    assert found == pytest.approx([40, 80], abs=1)


def test_two_values_in_turn_are_no_changes():
    rng = np.random.default_rng(66)
    assert places(np.where(rng.random(200) < 0.5, 500.0, 20_000.0) + rng.normal(0, 5, 200)) == []


def test_unchanged_histories_hardly_ever_change_even_when_neighbours_are_alike():
    rng = np.random.default_rng(67)
    for phi, most in ((0.0, 0.02), (0.5, 0.05), (0.8, 0.25)):
        found = [places(ar1(rng, 60, sigma=0.03, phi=phi)) for _ in range(150)]
        assert np.mean([len(each) > 0 for each in found]) <= most, phi


def test_wandering_history_is_left_nearly_whole():
    rng = np.random.default_rng(68)
    walks = [1000 + 10 * np.cumsum(rng.normal(size=300)) for _ in range(20)]
    assert np.mean([len(places(walk)) for walk in walks]) <= 3


@pytest.mark.parametrize(
    ("step", "least"), [(-0.10, 0.95), (-0.05, 0.35), (0.10, 0.95), (0.05, 0.35)]
)
def test_steps_are_found_ten_runs_later(step, least):
    rng = np.random.default_rng(69)
    found = [places(history(rng, 60, (50, step))) for _ in range(80)]
    assert np.mean([any(abs(at - 50) <= 5 for at in each) for each in found]) >= least


def test_interval_holds_the_step_about_as_often_as_it_says():
    rng = np.random.default_rng(70)
    found = [find_changes(history(rng, 100, (50, -0.10))) for _ in range(200)]
    held = [each[0].low <= -0.10 <= each[0].high for each in found if len(each) == 1]
    assert len(held) >= 190
    assert np.mean(held) >= 0.90


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 5, [1.0] * 50, [0.0] * 50])
def test_short_and_constant_histories_have_no_changes(values):
    assert find_changes(np.array(values, dtype=np.float64)) == ()


def test_history_from_zero_has_a_change_without_a_share():
    (found,) = find_changes(np.array([0.0] * 20 + [5.0] * 20))
    assert (found.index, found.change, found.low, found.high) == (20, None, None, None)


def test_of_a_very_long_history_the_last_ten_thousand_runs_count():
    values = history(np.random.default_rng(71), 10_500, (100, -0.3), (10_200, -0.1))
    assert places(values) == pytest.approx([10_200], abs=1)


def test_clipping_leaves_most_values_alone():
    values = history(np.random.default_rng(72), 200, (100, 0.1))
    assert np.mean(winsorised(values) == values) >= 0.97


@given(arrays.arrays(np.float64, st.integers(0, 60), elements=st.floats(-1e9, 1e9)))
def test_any_history_has_levels_of_three_runs_and_more(values):
    found = places(values)
    ends = [0, *found, len(values)]
    assert not found or min(np.diff(ends)) >= FEWEST_RUNS


def test_loss_of_ten_percent_raises_the_trigger_within_a_few_runs():
    values = history(np.random.default_rng(73), 60, (55, -0.10))
    found = loss_trigger(values, higher_is_better=True)
    assert 45 <= found.first <= 56
    assert found.shift == pytest.approx(-0.08, abs=0.04)
    assert loss_trigger(values[:55], higher_is_better=True) is None
    assert loss_trigger(values, higher_is_better=False) is None
    assert loss_trigger(1 / values, higher_is_better=False).shift > 0.02


def test_one_run_that_was_hit_raises_no_trigger():
    values = history(np.random.default_rng(74), 60)
    values[-1] *= 0.3
    assert loss_trigger(values, higher_is_better=True) is None


@pytest.mark.parametrize("count", [35, 60])
def test_unchanged_histories_raise_few_triggers(count):
    rng = np.random.default_rng([75, count])
    raised = [
        loss_trigger(history(rng, count, sigma=0.024), higher_is_better=True) is not None
        for _ in range(1500)
    ]
    assert np.mean(raised) <= 0.03


def test_short_histories_raise_no_trigger():
    assert loss_trigger(np.linspace(2000, 1000, 34), higher_is_better=True) is None


def test_loss_after_a_constant_baseline_raises_the_trigger():
    values = np.array([100.0] * 40 + [95.0] * 4)
    assert loss_trigger(values, higher_is_better=True).first == 40


def test_a_clear_change_in_the_middle_of_a_dozen_runs_is_found():
    before, after = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99], [0.8, 0.81, 0.79, 0.8, 0.81, 0.8]
    (change,) = find_changes(np.array(before + after))
    assert (change.index, round(change.change, 2)) == (6, -0.2)
