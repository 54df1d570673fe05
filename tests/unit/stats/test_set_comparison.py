"""Sets of runs against each other: what is judged, what is only shown, and what may fail."""

from dataclasses import replace

import numpy as np
from unit.reports.result_values import (
    STEP,
    a_job,
    a_mixed_step,
    a_result,
    a_run,
    a_step,
    a_trial,
    summaries_of,
)

from storperf.model.run import Flag, Steadiness, TrialEnd
from storperf.model.verdict import Reason
from storperf.reports.environments import environment_differences
from storperf.stats.set_comparison import compare_sets


def a_set(count, factor=1.0, *, seed=1, name="a", steps=None, **trial):
    """Runs of one job around the same level, each scattering by 1 %."""
    rng = np.random.default_rng(seed)
    steps = steps or (a_step(),)
    found = []
    for number in range(count):
        trials, summaries = [], []
        for place, step in enumerate(steps, start=1):
            identity = f"t{place:03}"
            trials.append(a_trial(identity, step=step.key, **{"flags": ()} | trial))
            noise = factor * float(np.exp(rng.normal(0, 0.01)))
            for op in step.workload.ops:
                summaries += summaries_of(identity, op=op.value, factor=noise)
        found.append(
            a_result(
                run=a_run(id=f"{name}-{number}", created_s=1e9 + number),
                job=a_job(),
                steps=steps,
                trials=tuple(trials),
                summaries=tuple(summaries),
            )
        )
    return found


def reasons(checks, metric="iops"):
    return {check.step: check.reason for check in checks if check.metric == metric}


def test_equal_sets_are_not_worse_and_say_how_small_a_loss_would_have_been_seen():
    checks = compare_sets(a_set(6), a_set(6, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.NOT_WORSE}
    check = next(check for check in checks if check.metric == "iops")
    assert check.change_low < 0 < check.change_high
    assert "of 6 runs is" in check.sentence
    assert "would be seen 4 times of 5" in check.sentence
    assert check.baseline_runs == tuple(f"a-{n}" for n in range(6))


def test_loss_between_sets_of_five_and_more_is_a_regression():
    checks = compare_sets(a_set(6), a_set(5, 0.9, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.REGRESSION}


def test_loss_of_four_runs_against_many_is_suspicious_and_no_more():
    checks = compare_sets(a_set(12), a_set(4, 0.5, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.SUSPICIOUS}


def test_gain_passes():
    checks = compare_sets(a_set(6), a_set(6, 1.2, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.NOT_WORSE}
    assert next(c for c in checks if c.metric == "iops").change_low > 0.1


def test_single_runs_are_compared_as_ever():
    same = compare_sets(a_set(1), a_set(1, 0.99, name="b"))
    assert reasons(same) == {STEP: Reason.NOT_WORSE}
    lost = compare_sets(a_set(1), a_set(1, 0.3, name="b"))
    assert reasons(lost) == {STEP: Reason.SUSPICIOUS}


def test_unlike_sets_are_shown_side_by_side_with_the_field_and_not_judged():
    other = a_step(
        fingerprint="v1-other", measuring=(("block_size_bytes", "4096"), ("direct", "no"))
    )
    (check,) = compare_sets(a_set(4), a_set(4, 0.5, name="b", steps=(other,)))
    assert check.reason is Reason.NOT_COMPARABLE
    assert check.change is None
    assert "direct is true in one and no in the other" in check.sentence
    assert check.value < check.baseline_value


def test_of_a_set_with_two_fingerprints_the_shared_one_is_judged_and_the_rest_is_told():
    other = a_step(fingerprint="v1-other")
    mixture = a_set(4) + a_set(3, 0.5, name="c", steps=(other,))
    checks = compare_sets(mixture, a_set(4, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.NOT_WORSE}
    assert "3 of 7 reference runs left out: they measured something else" in checks[0].sentence


def test_run_that_did_not_hold_still_does_not_count_and_is_told():
    unsteady = a_set(1, 0.4, name="x", steadiness=Steadiness.NOT_STEADY)
    checks = compare_sets(a_set(5) + unsteady, a_set(5, seed=2, name="b"))
    assert reasons(checks) == {STEP: Reason.NOT_WORSE}
    assert "1 of 6 reference runs left out: it did not hold still" in checks[0].sentence


def test_set_of_which_no_run_counts_is_not_comparable():
    partial = a_set(2, name="x", flags=(Flag.PARTIAL,), end_reason="agent-02 was lost")
    (check,) = compare_sets(partial, a_set(5, seed=2, name="b"))
    assert check.reason is Reason.NOT_COMPARABLE
    assert "agent-02 was lost" in check.sentence


def test_step_that_failed_in_every_run_of_a_set_is_not_comparable_beside_others_that_pass():
    both = (a_step(), a_mixed_step())
    candidates = [
        replace(
            result,
            trials=(
                result.trials[0],
                replace(result.trials[1], end=TrialEnd.FAILED, end_reason="fio died of EIO"),
            ),
            summaries=[each for each in result.summaries if each.trial == "t001"],
        )
        for result in a_set(3, steps=both, seed=2, name="b")
    ]
    checks = compare_sets(a_set(3, steps=both), candidates)
    (lost,) = [check for check in checks if check.step == a_mixed_step().key]
    assert lost.reason is Reason.NOT_COMPARABLE
    assert "fio died of EIO" in lost.sentence
    assert {check.reason for check in checks if check.step == STEP} == {Reason.NOT_WORSE}


def test_judged_figure_without_a_logarithm_is_not_comparable():
    candidates = [
        replace(
            result,
            summaries=[
                replace(each, value=0.0) if each.metric == "iops" else each
                for each in result.summaries
            ],
        )
        for result in a_set(3, seed=2, name="b")
    ]
    assert reasons(compare_sets(a_set(3), candidates)) == {STEP: Reason.NOT_COMPARABLE}


def test_steps_of_one_set_alone_are_left_out():
    both = (a_step(), a_mixed_step())
    checks = compare_sets(a_set(3, steps=both), a_set(3, name="b"))
    assert {check.step for check in checks} == {STEP}
    assert compare_sets(a_set(3, steps=(a_mixed_step(),)), a_set(3, name="b")) == ()


def test_many_equal_steps_are_no_regression_for_being_many():
    many = tuple(a_step(f"s{n}-bs4k-qd1-nj1-a1") for n in range(60))
    fails = suspicious = 0
    for seed in range(12):
        checks = compare_sets(
            a_set(5, steps=many, seed=seed), a_set(5, steps=many, seed=100 + seed, name="b")
        )
        fails += any(check.reason is Reason.REGRESSION for check in checks)
        suspicious += any(check.reason is Reason.SUSPICIOUS for check in checks)
    assert fails <= 1
    assert suspicious <= 6


def test_environments_differ_by_what_not_both_sets_have():
    old, new = a_set(3), a_set(2, name="b")
    new = [
        replace(each, environment={"agent-01": {"kernel": "6.8", "fio": "3.33"}}) for each in new
    ]
    (kernel,) = environment_differences(old, new)
    assert (kernel.name, kernel.reference, kernel.candidate) == (
        "kernel",
        (("6.1.0", 3),),
        (("6.8", 2),),
    )
    assert environment_differences(old, old) == ()
