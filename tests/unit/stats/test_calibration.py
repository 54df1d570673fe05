"""How much a lab scatters by its A/A runs, and what that does to later verdicts and alarms."""

from dataclasses import replace

import numpy as np
import pytest
from unit.stats.builders import MIXED, SEQ_WRITE, make_job, make_plan, make_step, make_summary
from unit.stats.builders import make_trial as trial_of

from storperf.model.baseline import BaselineValue
from storperf.model.result import RunResult
from storperf.model.run import Run, RunState, TrialEnd
from storperf.model.verdict import Reason
from storperf.stats.calibration import (
    calibrated_figures,
    calibrated_spreads,
    calibrated_values,
    lab_spreads,
    step_kind,
)
from storperf.stats.comparison import judged_places
from storperf.stats.prior import CAUTION, DEFAULT_SIGMA, LabSpread, Spread, choose_prior
from storperf.stats.rehearsal import rate, rehearse, residuals
from storperf.stats.verdict import judge_run

NOTHING = Spread(squares=0.0, df=0)
MEASURING = (("target_kind", "directory"), ("direct", "true"), ("runtime_s", "60"))


def step(workload=None, key="rr", **changes):
    made = make_step(key=key) if workload is None else make_step(workload, key=key)
    return replace(made, measuring=MEASURING, **changes)


def a_run(number, iops, *, end=TrialEnd.COMPLETED, steps=None):
    steps = steps or [step()]
    plan = make_plan(steps)
    trials = tuple(trial_of(each, end=end) for each in plan.trials)
    summaries = tuple(
        summary
        for trial in trials
        for summary in (
            make_summary(trial.id, "iops", iops),
            make_summary(trial.id, "clat_p99", 1e9 / iops),
        )
    )
    job = make_job()
    verdict = judge_run(
        job=job, plan=plan, trials=trials, summaries=summaries, history={}, differing={}
    )
    run = Run(
        id=f"run-{number}",
        job_name="nightly",
        lab="lab",
        title=None,
        job_text="",
        state=RunState.COMPLETED,
        phase=None,
        created_s=float(number),
    )
    return RunResult(
        run=run, job=job, plan=plan, trials=trials, summaries=summaries, verdict=verdict
    )


def spreads(results, steps=None):
    figures = calibrated_figures(steps or [step()], calibrated_values(results))
    return calibrated_spreads(
        figures,
        lab="lab",
        job="nightly",
        name="cal-1",
        runs=[result.run.id for result in results],
        at_s=1_750_000_000.0,
    )


def test_spread_is_that_of_the_runs_logarithms():
    values = [1000.0, 1020.0, 990.0, 1005.0]
    found = spreads([a_run(number, value) for number, value in enumerate(values)])
    assert [(each.op, each.metric, each.df) for each in found] == [
        ("read", "clat_p99", 3),
        ("read", "iops", 3),
    ]
    assert found[1].sigma == pytest.approx(np.std(np.log(values), ddof=1))


def test_steps_of_a_kind_put_their_degrees_of_freedom_together():
    steps = [step(key="a"), step(key="b")]
    results = [a_run(number, 1000.0 + number, steps=steps) for number in range(5)]
    (_, iops) = spreads(results, steps)
    assert (iops.figures, iops.df) == (2, 8)


def test_run_that_does_not_pass_a_gate_says_nothing_about_the_spread():
    results = [a_run(0, 1000.0), a_run(1, 1010.0), a_run(2, 10.0, end=TrialEnd.FAILED)]
    (_, iops) = spreads(results)
    assert (iops.df, iops.sigma < 0.01) == (1, True)


def test_one_run_gives_no_spread():
    assert spreads([a_run(0, 1000.0)]) == ()


def test_kind_is_where_by_which_way_in_which_pattern_and_how_long():
    assert step_kind(step()) == "directory direct random 60s"
    assert step_kind(step(SEQ_WRITE)) == "directory direct sequential 60s"
    assert step_kind(step(queue_depth=64, block_size_bytes=1 << 20)) == step_kind(step())


def test_calibration_takes_the_place_of_the_default_from_eight_degrees_of_freedom_on():
    lab = LabSpread(spread=Spread(squares=9 * 0.02**2, df=9), source="here")
    found = choose_prior("iops", 1, NOTHING, lab)
    assert (found.source, found.sigma) == ("here", pytest.approx(CAUTION * 0.02))
    few = LabSpread(spread=Spread(squares=7 * 0.02**2, df=7), source="here")
    assert choose_prior("iops", 1, NOTHING, few).sigma == DEFAULT_SIGMA


def test_other_baselines_of_the_lab_come_before_a_calibration():
    lab = LabSpread(spread=Spread(squares=1.0, df=9), source="here")
    found = choose_prior("iops", 1, Spread(squares=8 * 0.01**2, df=8), lab)
    assert found.source.startswith("this lab's other baselines")


def test_calibration_that_found_no_spread_is_not_taken_for_certainty():
    lab = LabSpread(spread=Spread(squares=0.0, df=9), source="here")
    assert choose_prior("iops", 1, NOTHING, lab).sigma == 0.01


def test_verdict_of_a_second_run_sees_more_with_a_calibration_and_says_where_it_is_from():
    results = [a_run(number, 1000.0 + 10 * (number % 3)) for number in range(10)]
    now = a_run(11, 900.0)
    history = {
        ("rr", "candidate"): (
            BaselineValue(run="r", ended_s=1.0, op="read", metric="iops", value=1000.0),
        )
    }
    lab = lab_spreads([(step(), "candidate")], spreads(results))

    def judged(known):
        found = judge_run(
            job=now.job,
            plan=now.plan,
            trials=now.trials,
            summaries=now.summaries,
            history=history,
            differing={},
            lab=known,
        )
        return next(check for check in found.checks if check.metric == "iops")

    assert judged({}).reason is Reason.NOT_WORSE
    assert "a default of 28 %, until this lab has more runs" in judged({}).sentence
    assert judged(lab).reason is Reason.SUSPICIOUS
    assert "this lab's calibration (nightly, 2025-06-15, 10 runs)" in judged(lab).sentence


def test_spread_of_reads_says_nothing_of_writes():
    results = [a_run(number, 1000.0 + number) for number in range(10)]
    found = lab_spreads([(step(MIXED, key="mix"), "candidate")], spreads(results))
    assert {place[2] for place in found} == {"read"}


def test_rate_has_the_exact_interval():
    # Clopper and Pearson: 0 of 100 leaves up to 3.6 %, 5 of 100 are 1.6 to 11.3 %.
    none, some = rate(0, 100), rate(5, 100)
    assert (none.low, round(none.high, 4)) == (0.0, 0.0362)
    assert (round(some.low, 4), round(some.high, 4)) == (0.0164, 0.1128)


def rehearsed(sigma, *, seed=1, runs=10):
    rng = np.random.default_rng(seed)
    steps = [step(key="a"), step(key="b")]
    values = {
        place: list(np.exp(rng.normal(9, sigma, runs)))
        for place in judged_places([(each, "candidate") for each in steps])
    }
    found = calibrated_figures(steps, values)
    known = calibrated_spreads(found, lab="l", job="j", name="c", runs=["r"] * runs, at_s=0.0)
    lab = lab_spreads([(each, "candidate") for each in steps], known)
    return rehearse(make_job(), steps, residuals(values), lab, seed=seed)


def test_rehearsed_nights_are_suspicious_as_often_as_the_screen_promises_and_seldom_fail():
    found = rehearsed(0.03, seed=2)
    assert 0.10 < found.suspicious.share < 0.26
    # Fresh trials share their session with the run, so that 1 % is kept, but no less.
    assert found.failed.share < 0.02
    assert found.failed.count <= found.suspicious.count
    assert found.suspicious.nights == 2000


def test_rehearsal_is_the_same_again_for_the_same_runs():
    again = [rehearsed(0.03, runs=2) for _ in range(2)]
    assert again[0] == again[1]


def test_figure_with_one_value_leaves_nothing_to_rehearse():
    assert residuals({("a", "candidate", "read", "iops"): [1.0, None]}) is None
