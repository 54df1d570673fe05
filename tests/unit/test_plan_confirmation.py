from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from storperf.jobfile.parse import parse_job
from storperf.model.ending import LOOKS
from storperf.model.job import CANDIDATE, REFERENCE
from storperf.plan import plan_job
from storperf.plan_confirmation import confirming_trials, measuring_s

REFERENCE_SIDE = "reference: {directory: old}"


def job_of(*extra):
    text = "name: x\ntarget: {directory: new, size: 1M}\nworkloads: [rr, wr]\nduration: 10s\n"
    return parse_job(text + "\n".join(extra), source="test")


def grown(plan, added):
    return replace(plan, trials=(*plan.trials, *added))


def test_a_reference_is_not_measured_until_it_is_needed():
    plan = plan_job(job_of(REFERENCE_SIDE))
    assert {trial.side for trial in plan.trials} == {CANDIDATE}
    assert plan == plan_job(job_of())


def test_each_look_adds_the_pairs_that_are_missing_and_the_last_adds_none():
    job = job_of(REFERENCE_SIDE)
    plan = plan_job(job)
    step = plan.steps[0].key
    seen = []
    while added := confirming_trials(job, plan, [step], seed="run"):
        plan = grown(plan, added)
        seen.append(max(trial.repeat for trial in plan.trials) - job.last_repeat)
    assert tuple(seen) == LOOKS
    confirming = [trial for trial in plan.trials if trial.repeat > job.last_repeat]
    sides = Counter((trial.repeat, trial.side) for trial in confirming)
    assert set(sides.values()) == {1}
    assert len(confirming) == 2 * LOOKS[-1]
    assert measuring_s(job, plan) == 10 * len(confirming)
    assert len({trial.id for trial in plan.trials}) == len(plan.trials)


def test_a_pair_is_measured_side_by_side_and_pairs_of_all_steps_are_interleaved():
    job = job_of(REFERENCE_SIDE)
    plan = plan_job(job)
    keys = [step.key for step in plan.steps]
    added = confirming_trials(job, plan, keys, seed="run")
    places = [(trial.repeat - job.last_repeat, trial.step_key) for trial in added]
    assert places == [(k, key) for k in (1, 2, 3) for key in keys for _ in range(2)]


def test_which_side_comes_first_is_drawn_and_the_same_for_the_same_run():
    job = job_of(REFERENCE_SIDE)
    plan = plan_job(job)
    step = plan.steps[0].key

    def first_sides(seed):
        return [trial.side for trial in confirming_trials(job, plan, [step], seed=seed)][::2]

    assert first_sides("a") == first_sides("a")
    counted = Counter(side for n in range(200) for side in first_sides(f"run-{n}"))
    assert min(counted[CANDIDATE], counted[REFERENCE]) > 200


def test_a_step_that_was_decided_gets_no_further_pairs():
    job = job_of(REFERENCE_SIDE)
    plan = plan_job(job)
    first, second = (step.key for step in plan.steps)
    plan = grown(plan, confirming_trials(job, plan, [first, second], seed="run"))
    added = confirming_trials(job, plan, [second], seed="run")
    assert {trial.step_key for trial in added} == {second}
    assert len(added) == 2 * (LOOKS[1] - LOOKS[0])


def test_without_a_reference_the_step_is_measured_again_once():
    job = job_of()
    plan = plan_job(job)
    step = plan.steps[0].key
    added = confirming_trials(job, plan, [step], seed="run")
    assert [(trial.side, trial.repeat) for trial in added] == [(CANDIDATE, 2), (CANDIDATE, 3)]
    assert confirming_trials(job, grown(plan, added), [step], seed="run") == ()


def test_the_reference_is_the_target_in_another_place():
    job = job_of("reference: {directory: old}")
    candidate, reference = job.sides
    assert (candidate.name, reference.name) == (CANDIDATE, REFERENCE)
    (one,), (other,) = candidate.targets, reference.targets
    assert other == replace(one, path="old")
    assert job.candidate == candidate


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("reference: {directory: new}", "is the target itself"),
        ("reference: {device: /dev/x, serial: s, destroy: true}", "they compare unlike"),
        ("reference: {device: /dev/x, destroy: true}", "a device needs its `serial`"),
        ("reference: {directory: a, device: /dev/x}", "exactly one of"),
        ("reference: {size: 1G}", "size"),
        ("confirm: always", "name a second target"),
        ("confirm: rerun", "'rerun' is not one of auto, always, never"),
        ("confirm: {at_most: 0s}", "at_most"),
    ],
)
def test_what_cannot_be_compared_is_refused(extra, said):
    with pytest.raises(Exception, match="job file") as caught:
        job_of(extra)
    assert said in str(caught.value)


def test_confirm_may_be_a_plain_word():
    assert job_of("confirm: never").confirmation == job_of("confirm: {when: never}").confirmation
