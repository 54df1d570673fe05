"""What is left of an earlier run is made into its figures; what is not is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from storperf.imports.earlier import EarlierRun, EarlierTrial, FigureSource
from storperf.imports.extracted import extract_run
from storperf.jobfile.parse import parse_job
from storperf.model.job import Op
from storperf.model.metric import METRICS, PERCENTILES
from storperf.model.run import Flag, Steadiness, TrialEnd
from storperf.plan import plan_job

BEGIN = 1_700_000_000
SECONDS = 60
TEXT = """\
name: night
target: {directory: /x, size: 16M}
workloads: [{name: rr, rw: randread}]
matrix: {queue_depth: 1}
duration: 60s
"""
JOB = parse_job(TEXT, source="a test")
PLAN = plan_job(JOB)
STEP = PLAN.steps[0].key
PERCENTILE_NAMES = {f"clat_{key}" for key in PERCENTILES}


def noise():
    return np.random.default_rng(7).normal(1.0, 0.02, 2 * SECONDS + 1)


def stream(seconds=range(BEGIN, BEGIN + SECONDS), iops=1000.0):
    rates = {second: iops * noise()[second % (2 * SECONDS)] for second in seconds}
    return {
        "iops": rates,
        "bandwidth": {second: rate * 4096 for second, rate in rates.items()},
        # Slow seconds have slow I/Os: only weighted by them is the mean right.
        "clat_mean": {second: 1e9 / rate for second, rate in rates.items()},
        "lat_mean": {second: 1.1e9 / rate for second, rate in rates.items()},
        "clat_max": {second: 5e6 + second % 60 for second in rates},
    }


def own_figures(iops=1000.0):
    values = dict.fromkeys(METRICS, 1000000.0) | {"iops": iops, "bandwidth": iops * 4096}
    return {(STEP, "candidate", "read", metric): value for metric, value in values.items()}


def earlier(streams, *, own=None, resolution_s=1, **facts):
    seconds = frozenset(second for metrics in streams.values() for second in metrics["iops"])
    trial = EarlierTrial(
        step_key=STEP, side="candidate", repeat=1, seconds=seconds, resolution_s=resolution_s
    )
    run = EarlierRun(
        started_s=BEGIN - 5,
        ended_s=None,
        exit_code=None,
        was_clean=None,
        trials=(trial,),
        streams={"candidate": streams},
        own=own or {},
    )
    return replace(run, **facts)


def one(**keys):
    return {("agent-01", 0, Op.READ): stream(**keys)}


def values(found):
    return {figure.metric: figure.value for figure in found.figures}


def test_seconds_give_rates_and_means_that_are_weighted_by_their_ios():
    found = extract_run(earlier(one()), JOB, PLAN)
    rates = list(stream()["iops"].values())
    assert values(found)["iops"] == pytest.approx(np.mean(rates), rel=0.005)
    assert values(found)["bandwidth"] == pytest.approx(4096 * values(found)["iops"], rel=1e-4)
    # The sum of latencies is 1e9 a second whatever the rate is.
    assert values(found)["clat_mean"] == pytest.approx(1e9 / values(found)["iops"], rel=1e-4)
    (trial,) = found.trials
    assert (trial.end, trial.steadiness) == (TrialEnd.COMPLETED, Steadiness.STEADY)
    assert len(found.tables[trial.id]) == SECONDS


def test_two_agents_are_added_up():
    streams = {("agent-01", 0, Op.READ): stream(), ("agent-02", 0, Op.READ): stream(iops=500.0)}
    found = extract_run(earlier(streams), JOB, PLAN)
    alone = values(extract_run(earlier(one()), JOB, PLAN))
    assert values(found)["iops"] == pytest.approx(1.5 * alone["iops"], rel=1e-3)
    assert {each.agent for each in found.summaries} == {"all", "agent-01", "agent-02"}


def test_percentiles_of_seconds_are_refused_and_those_of_the_summary_taken():
    without = extract_run(earlier(one()), JOB, PLAN)
    assert not PERCENTILE_NAMES & values(without).keys()
    (sentence,) = without.refused
    assert "clat_p99" in sentence
    assert "cannot be made of those of seconds" in sentence
    whole = extract_run(earlier(one(), own=own_figures()), JOB, PLAN)
    sources = {figure.metric: figure.source for figure in whole.figures}
    assert {sources[name] for name in PERCENTILE_NAMES} == {FigureSource.SUMMARY}
    assert sources["iops"] is sources["clat_mean"] is FigureSource.SECONDS
    assert whole.refused == ()


def test_thinned_points_give_rates_and_nothing_else():
    coarse = one(seconds=range(BEGIN, BEGIN + 600, 10))
    found = extract_run(earlier(coarse, resolution_s=10), JOB, PLAN)
    assert set(values(found)) == {"iops", "bandwidth"}
    assert {figure.source for figure in found.figures} == {FigureSource.THINNED}
    (sentence,) = found.refused
    assert "clat_mean" in sentence
    assert "thinned to points of 10 s" in sentence
    # The first and the last may hold other trials' seconds.
    assert len(found.tables["t001"]) == 58


def test_the_runs_own_figures_win_over_thinned_points():
    coarse = one(seconds=range(BEGIN, BEGIN + 600, 10))
    found = extract_run(earlier(coarse, resolution_s=10, own=own_figures(1001.0)), JOB, PLAN)
    assert values(found)["iops"] == 1001.0
    assert {figure.source for figure in found.figures} == {FigureSource.SUMMARY}


def test_what_is_thinned_to_nothing_cannot_be_judged():
    found = extract_run(earlier(one(seconds=[BEGIN, BEGIN + 60]), resolution_s=60), JOB, PLAN)
    assert found.trials == ()
    assert "too few" in found.refused[0]


def test_a_trial_of_which_points_are_missing_is_none():
    some = range(BEGIN, BEGIN + SECONDS, 2)
    found = extract_run(earlier(one(seconds=some)), JOB, PLAN)
    assert found.trials == ()
    assert "only 30 of its 60 points" in found.refused[0]


def test_the_beginning_of_a_trial_is_not_taken_for_all_of_it():
    found = extract_run(earlier(one(seconds=range(BEGIN, BEGIN + 30))), JOB, PLAN)
    assert found.trials == ()
    assert "only 30 of its 60 points" in found.refused[0]


def test_seconds_that_contradict_the_run_itself_give_way_to_its_own_figure():
    found = extract_run(earlier(one(), own=own_figures(iops=1300.0)), JOB, PLAN)
    assert values(found)["iops"] == 1300.0
    assert any("points are missing" in sentence for sentence in found.refused)


def test_a_summary_alone_is_enough():
    run = earlier({}, own=own_figures(), trials=())
    found = extract_run(run, JOB, PLAN)
    assert set(values(found)) == set(METRICS)
    assert found.trials[0].steadiness is Steadiness.NOT_JUDGED
    assert found.tables == {}


def test_nothing_at_all_is_refused():
    run = earlier({}, trials=())
    found = extract_run(run, JOB, PLAN)
    assert (found.trials, found.plan.trials) == ((), ())
    assert "no seconds of it any more" in found.refused[0]


def test_the_stub_of_fios_end_does_not_count_as_a_second():
    longer = one(seconds=range(BEGIN, BEGIN + SECONDS + 1))
    longer["agent-01", 0, Op.READ]["iops"][BEGIN + SECONDS] = 1.0
    found = extract_run(earlier(longer), JOB, PLAN)
    assert values(found)["iops"] > 990


def test_an_agent_that_is_silent_in_a_step_of_two_makes_the_trial_partial():
    text = TEXT.replace("matrix: {queue_depth: 1}", "matrix: {queue_depth: 1, agents: 2}")
    job = parse_job(text + "provider: {kind: ssh, hosts: [a, b]}\n", source="a test")
    plan = plan_job(job)
    run = earlier(one())
    trial = replace(run.trials[0], step_key=plan.steps[0].key)
    found = extract_run(replace(run, trials=(trial,)), job, plan)
    assert Flag.PARTIAL in found.trials[0].flags
