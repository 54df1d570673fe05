"""What is measured next follows from what was measured, and from nothing else."""

from __future__ import annotations

import pytest

from storperf.errors import JobFileError, UsageError
from storperf.jobfile.parse import parse_job
from storperf.model.job import Plan
from storperf.model.search import SearchEnd
from storperf.plan import plan_job
from storperf.plan_confirmation import confirming_trials
from storperf.plan_growth import (
    Measured,
    describe,
    next_depths,
    next_round,
    round_values,
    searches,
    tracked_steps,
)

HEAD = "name: x\ntarget: {directory: scratch, size: 1G}\nduration: 1s\n"


def job_of(extra, workloads="[rr]"):
    return parse_job(f"{HEAD}workloads: {workloads}\n{extra}\n", source="job.yaml")


def measured(plan, judged, clat_ns=()):
    """A measurement of each trial, in order."""
    latencies = [*clat_ns, *range(1000, 1000 + len(judged))][: len(judged)]
    return [
        Measured(
            step_key=trial.step_key,
            side=trial.side,
            repeat=trial.repeat,
            judged=value,
            clat_ns=latency,
        )
        for trial, value, latency in zip(plan.trials, judged, latencies, strict=False)
    ]


def search(job, curve):
    """Carry a search out on a machine that does `curve(depth)` -> (judged, clat_ns)."""
    plan = plan_job(job)
    while True:
        found = [
            Measured(
                step_key=trial.step_key,
                side=trial.side,
                repeat=trial.repeat,
                judged=curve(plan.step(trial.step_key).queue_depth)[0],
                clat_ns=curve(plan.step(trial.step_key).queue_depth)[1],
            )
            for trial in plan.trials
        ]
        results = searches(job, plan, found)
        growth = next_depths(job, plan, results)
        if not growth.trials:
            return plan, results
        plan = Plan(steps=(*plan.steps, *growth.steps), trials=(*plan.trials, *growth.trials))


def queueing(limit, service_ns=100_000.0):
    """Saturates at `limit` operations in flight: then only latency grows (Little's law)."""

    def curve(depth):
        busy = min(depth, limit)
        return busy / service_ns * 1e9, depth / busy * service_ns

    return curve


# --- searches --------------------------------------------------------------------------------


def test_a_search_begins_at_its_first_depth_alone():
    plan = plan_job(job_of("search: {queue_depth: {first: 2}}"))
    assert [step.queue_depth for step in plan.steps] == [2]


@pytest.mark.parametrize(("limit", "knee"), [(1, 1), (4, 4), (16, 16), (128, 128)])
def test_the_knee_is_where_a_queue_saturates(limit, knee):
    plan, (result,) = search(job_of("search: {}"), queueing(limit))
    assert result.end is SearchEnd.SATURATED
    assert result.knee == f"rr-bs4k-qd{knee}-nj1-a1"
    assert [each.queue_depth for each in result.depths] == [
        2**n for n in range((2 * knee).bit_length())
    ]
    assert len({trial.id for trial in plan.trials}) == len(plan.trials)


def test_a_workload_that_never_saturates_ends_at_the_deepest():
    _, (result,) = search(job_of("search: {queue_depth: {at_most: 24}}"), queueing(1000))
    assert (result.end, result.knee) == (SearchEnd.AT_MOST, None)
    assert [each.queue_depth for each in result.depths] == [1, 2, 4, 8, 16, 24]
    assert "not saturated at queue depth 24, the deepest" in describe(result, "iops")


def test_less_at_a_lower_latency_is_noise_and_no_saturation():
    def curve(depth):
        return (100.0, 50.0) if depth == 2 else (float(100 * depth), 100.0 + depth)

    _, (result,) = search(job_of("search: {queue_depth: {at_most: 8}}"), curve)
    assert result.end is SearchEnd.AT_MOST


def test_each_workload_block_size_and_numjobs_has_its_own_search():
    job = job_of("search: {}\nmatrix: {block_size: [4k, 64k], numjobs: [1, 2]}", "[rr, wr]")
    _, results = search(job, queueing(4))
    assert len(results) == 8
    assert {result.name for result in results} >= {"rr-bs4k-nj1-a1", "wr-bs64k-nj2-a1"}
    assert {result.end for result in results} == {SearchEnd.SATURATED}


def test_a_workload_that_pins_its_depth_is_not_searched():
    plan, results = search(job_of("search: {}", "[rr, {rw: read, iodepth: 3}]"), queueing(2))
    assert [result.name for result in results] == ["rr-bs4k-nj1-a1"]
    assert "read-bs4k-qd3-nj1-a1" in {step.key for step in plan.steps}


def test_repeats_are_averaged_before_the_decision():
    job = job_of("search: {queue_depth: {at_most: 2}}\nrepeats: 2")
    plan = plan_job(job)
    found = measured(plan, [100.0, 300.0], [10.0, 30.0])
    (result,) = searches(job, plan, found)
    assert (result.depths[0].judged, result.depths[0].clat_ns) == (200.0, 20.0)
    growth = next_depths(job, plan, (result,))
    assert [trial.repeat for trial in growth.trials] == [1, 2]


def test_a_failed_trial_ends_its_search_and_says_so():
    job = job_of("search: {}")
    plan = plan_job(job)
    (result,) = searches(job, plan, [])
    assert result.end is SearchEnd.FAILED
    assert not next_depths(job, plan, (result,)).trials
    assert "a trial failed" in describe(result, "iops")


def test_the_sentence_tells_what_the_next_depth_gave():
    _, (result,) = search(job_of("search: {}"), queueing(4))
    assert describe(result, "iops") == (
        "rr-bs4k-nj1-a1: saturates at queue depth 4; 8 gives +0.0% IOPS at 2.0 x the latency."
    )


def test_a_searched_step_measures_like_one_of_the_matrix():
    plan, _ = search(job_of("search: {}"), queueing(4))
    (plain,) = plan_job(job_of("matrix: {queue_depth: 8}")).steps
    assert plain in plan.steps


# --- rounds ----------------------------------------------------------------------------------


def test_a_round_is_every_step_once():
    job = job_of("rounds: {}\nmatrix: {block_size: [4k, 8k]}")
    plan = plan_job(job)
    growth = next_round(plan)
    assert [trial.repeat for trial in (*plan.trials, *growth.trials)] == [1, 1, 2, 2]
    assert [trial.id for trial in growth.trials] == ["t003", "t004"]


def test_only_tracked_steps_decide():
    job = job_of("rounds: {track: ['*-bs8k-*']}\nmatrix: {block_size: [4k, 8k]}")
    assert [step.block_size_bytes for step in tracked_steps(job, plan_job(job))] == [8192]


def test_a_warm_up_decides_only_when_it_is_named():
    """It does its span once a round and is not judged, so its figures say nothing of steadiness."""
    workloads = "[{name: _warm, rw: write}, rr]"
    for rounds, names in (("rounds: {}", ["rr"]), ("rounds: {track: ['*']}", ["_warm", "rr"])):
        job = job_of(rounds, workloads)
        found = tracked_steps(job, plan_job(job))
        assert [step.workload.name for step in found] == names


def test_a_pattern_that_names_no_step_is_refused():
    with pytest.raises(
        UsageError, match=r"'xr-\*' names no step of the job; its steps are rr-bs4k"
    ):
        plan_job(job_of("rounds: {track: ['xr-*']}"))


def test_a_missing_round_ends_the_values():
    job = job_of("rounds: {}")
    (step,) = plan_job(job).steps
    found = [
        Measured(step_key=step.key, side="candidate", repeat=n, judged=float(n), clat_ns=1.0)
        for n in (1, 2, 4)
    ]
    assert round_values(step, "candidate", found) == [1.0, 2.0]


def test_a_confirmation_lies_behind_all_rounds():
    job = job_of("rounds: {at_most: 7}")
    plan = plan_job(job)
    fresh = confirming_trials(job, plan, [plan.steps[0].key], seed="x")
    assert [trial.repeat for trial in fresh] == [8, 9]


def test_rounds_change_what_is_measured():
    plain, rounds = (plan_job(job_of(extra)).steps[0] for extra in ("", "rounds: {}"))
    assert plain.fingerprint != rounds.fingerprint


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ("rounds: {}\nrepeats: 2", "repeats: `rounds` repeat every step already"),
        ("rounds: {}\nsearch: {}", "search: `rounds` and `search` exclude each other"),
        ("rounds: {window: 5, at_most: 4}", "rounds.window: is more than at_most"),
        ("search: {}\nmatrix: {queue_depth: 4}", "matrix.queue_depth: `search` looks for"),
        ("search: {queue_depth: {first: 8, at_most: 4}}", "search.queue_depth.first: is more"),
        ("search: {}\nioengine: psync", "search: psync does one I/O at a time"),
    ],
)
def test_what_excludes_each_other_is_refused(extra, says):
    with pytest.raises(JobFileError) as refused:
        job_of(extra)
    assert says in " ".join(refused.value.faults)
