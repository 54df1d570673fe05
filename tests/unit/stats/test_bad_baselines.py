"""Baselines that are no good, in the verdict of a run: what is said, and what is never said."""

import numpy as np
import pytest
from unit.stats.test_verdict import NIGHTS, World, expect

from storperf.model.verdict import Reason

PROVEN = "proven within 5 %"


def iops(world):
    (check,) = [check for check in world.judge().checks if check.metric == "iops"]
    return check


def nights(seed, count=12, sigma=0.003):
    return 1000 * np.exp(np.random.default_rng(seed).normal(0, sigma, count))


def test_quiet_baseline_is_a_proof():
    assert PROVEN in iops(World().with_history(*nights(1))).sentence


def test_single_run_is_told_and_proves_nothing():
    check = iops(World().with_history(1000.0))
    assert check.reason is Reason.NOT_WORSE
    assert "The baseline is a single run." in check.sentence
    assert PROVEN not in check.sentence


@pytest.mark.parametrize("hit", [1e-6, 0.5, 1.7, 1e6])
def test_outlier_is_left_out_and_told_and_hides_no_loss(hit):
    values = nights(2)
    values[4] *= hit
    check = iops(World().with_history(*values))
    assert check.reason is Reason.NOT_WORSE
    assert "far from the others was left out" in check.sentence
    assert iops(World().with_history(*(1.2 * values))).reason is Reason.SUSPICIOUS


def test_two_modes_are_told_and_prove_nothing():
    values = nights(3, sigma=0.001) * np.where(np.arange(12) % 2, 0.987, 1.013)
    check = iops(World().with_history(*values))
    assert check.reason is Reason.NOT_WORSE
    assert "The baseline has two levels." in check.sentence
    assert PROVEN not in check.sentence


def test_drift_is_told_and_proves_nothing():
    check = iops(World().with_history(*(nights(4, sigma=0.001) * np.linspace(0.987, 1.013, 12))))
    assert check.reason is Reason.NOT_WORSE
    assert "goes up or down from run to run" in check.sentence
    assert PROVEN not in check.sentence


def test_no_variance_at_all_leaves_the_margin_of_two_percent():
    assert iops(World().with_history(*[1000.0] * 12)).reason is Reason.NOT_WORSE
    assert iops(World().with_history(*[1015.0] * 12)).reason is Reason.NOT_WORSE
    found = iops(World().with_history(*[1030.0] * 12))
    assert found.reason is Reason.SUSPICIOUS
    assert np.isfinite([found.change, found.change_low, found.change_high]).all()


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_values_that_are_none_are_no_runs_of_the_baseline(bad):
    check = iops(World().with_history(*NIGHTS, bad))
    assert check.reason is Reason.NOT_WORSE
    assert len(check.baseline_runs) == len(NIGHTS)


def test_metric_that_no_earlier_run_has_is_no_pass_by_the_others():
    world = World().with_history(*[2e6] * 10, metric="clat_p99")
    expect(world.judge(), Reason.NO_BASELINE, enters=True)


def test_of_ten_thousand_runs_the_newest_count():
    check = iops(World().with_history(*[5000.0] * 9950, *NIGHTS * 5))
    assert check.reason is Reason.NOT_WORSE
    assert len(check.baseline_runs) <= 30
