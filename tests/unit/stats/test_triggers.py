"""The trigger of the history in a run's verdict: a suspicion, until fresh trials say otherwise."""

from dataclasses import replace

import numpy as np
import pytest
from unit.stats.test_paired import Paired, pairs_at
from unit.stats.test_verdict import NIGHTS, STEP, World, expect, make_step, make_summary

from storperf.model.verdict import CheckKind, Reason
from storperf.stats.trigger import MOST_RUNS, loss_trigger

# 36 nights around 1000, then four at which each looks like many others: 2 to 3 % lower.
STILL = tuple(1000.0 * (1 + 0.012 * ((n + 4) % 5 - 2) / 2) for n in range(36))
SUNK = (*STILL, 972.0, 975.0, 970.0, 974.0)
TONIGHT = 973.0


def tonight(world, value=TONIGHT):
    """The run's own IOPS."""
    world.summaries[0] = make_summary(world.plan.trials[0].id, "iops", value, half=20.0)
    return world


def iops(verdict):
    (check,) = (
        check
        for check in verdict.checks
        if check.metric == "iops" and check.kind is not CheckKind.LIMIT
    )
    return check


def test_run_after_which_the_last_ones_sank_is_suspicious_and_names_the_first_of_them():
    verdict = tonight(World().with_history(*SUNK)).judge()
    expect(verdict, Reason.SUSPICIOUS, enters=False)
    check = iops(verdict)
    assert check.since_run == "run-36"
    assert "read IOPS of the last 5 runs is 2.7 % lower than before run run-36" in check.sentence
    assert "This run: read IOPS 973 is" in check.sentence


def test_trigger_is_heard_only_when_there_is_a_history_to_compare_with():
    verdict = tonight(World().with_history(*SUNK[-10:])).judge()
    assert all(check.since_run is None for check in verdict.checks)


def test_still_history_raises_nothing():
    verdict = World().with_history(*STILL, *STILL[:6]).judge()
    expect(verdict, Reason.NOT_WORSE, enters=True)
    assert iops(verdict).since_run is None


def test_fresh_trials_are_held_against_the_runs_before_the_change():
    deep = (*STILL, 945.0, 940.0, 942.0, 944.0, 941.0, 943.0)
    world = tonight(World().with_history(*deep), 942.0).with_fresh_trials(940.0, 941.0)
    verdict = expect(world.judge(), Reason.REGRESSION, enters=False)
    check = iops(verdict)
    assert check.since_run == "run-36"
    assert check.baseline_value == pytest.approx(1000, rel=0.005)
    assert "run-36" not in check.baseline_runs


def test_fresh_trials_that_are_well_clear_the_suspicion():
    world = tonight(World().with_history(*SUNK)).with_fresh_trials(1003.0, 1001.0)
    verdict = expect(world.judge(), Reason.NOT_WORSE, enters=True)
    assert iops(verdict).since_run == "run-36"


def test_pairs_confirm_what_the_history_suspects():
    world = tonight(Paired(pairs_at(0.95, 8)).with_history(*SUNK))
    verdict = expect(world.judge(), Reason.REGRESSION, enters=False)
    check = iops(verdict)
    assert (check.kind, check.since_run) == (CheckKind.PAIRS, "run-36")


def test_pairs_clear_what_the_history_suspects():
    world = tonight(Paired(pairs_at(1.0, 8)).with_history(*SUNK))
    expect(world.judge(), Reason.NOT_WORSE, enters=True)


def test_single_run_that_is_worse_is_no_change_of_level():
    world = tonight(Paired(pairs_at(0.6, 8)).with_history(*NIGHTS), 600.0)
    verdict = expect(world.judge(), Reason.REGRESSION, enters=False)
    assert iops(verdict).since_run is None


def test_more_figures_raise_the_limit():
    values = np.array([*SUNK, TONIGHT])
    alone = loss_trigger(values, higher_is_better=True)
    assert alone.limit == 5.0
    assert loss_trigger(values, higher_is_better=True, watched=2).limit == pytest.approx(
        6.386, abs=1e-3
    )
    assert loss_trigger(values, higher_is_better=True, watched=10**6) is None


def test_trigger_of_any_of_many_steps_is_raised_about_as_seldom_as_of_one():
    rng, raised = np.random.default_rng(81), {1: 0, 200: 0}
    for _ in range(40):
        rows = 1000 * np.exp(rng.normal(0, 0.02, (200, MOST_RUNS)))
        for watched, series in ((1, rows[:40]), (200, rows)):
            found = [
                loss_trigger(each, higher_is_better=True, watched=watched) is not None
                for each in series
            ]
            raised[watched] += sum(found) if watched == 1 else any(found)
    # 1600 series each for itself, and 40 runs of 200 steps: 1 to 4 % of each.
    assert raised[1] <= 0.05 * 1600
    assert raised[200] <= 5


def test_step_that_did_not_sink_keeps_its_screen():
    steps = (STEP, make_step(key="other"))
    world = tonight(World(steps).with_history(*SUNK))
    world.with_history(*STILL, *STILL[:4], key=("other", "candidate"))
    world.history["rr", "candidate"] = tuple(
        replace(value, value=value.value * (0.95 if value.value < 980 else 1))
        for value in world.history["rr", "candidate"]
    )
    verdict = tonight(world, 925.0).judge()
    reasons = {check.step: check.reason for check in verdict.checks if check.metric == "iops"}
    assert reasons == {"rr": Reason.SUSPICIOUS, "other": Reason.NOT_WORSE}
