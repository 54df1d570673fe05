"""What the engine adds to a trial's figures: reads that no storage can have answered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from storperf.engine.trial_flags import is_too_fast, own_flags
from storperf.jobfile.parse import parse_job
from storperf.model.run import Flag, Summary, Trial, TrialState
from storperf.plan import plan_job

TRIAL = Trial(
    id="t001", step_key="s", side="candidate", session=1, repeat=1, attempt=1,
    state=TrialState.ENDED,
)  # fmt: skip


def job_of(extra="", target="{directory: d}", block="4k"):
    text = f"name: n\ntarget: {target}\nworkloads: [rr]\nmatrix: {{block_size: {block}}}\n{extra}\n"
    return parse_job(text, source="x")


def mean(value_ns, op="read"):
    return [Summary(trial="t001", agent="all", op=op, metric="lat_mean", value=value_ns)]


def flags_of(job, summaries, facts=None, trial_facts=None, *, is_steady=True, **prepared):
    target = {"journal_on_target": False, "facts": facts or {}, **prepared}
    context = SimpleNamespace(
        job=job,
        is_preconditioned=is_steady,
        agents_of=lambda _step: [SimpleNamespace(name="agent-01")],
        prepared={"agent-01": [target]},
        targets=lambda: list(job.sides[0].targets),
    )
    trial = SimpleNamespace(facts=trial_facts or {}) if trial_facts else TRIAL
    return own_flags(context, trial, plan_job(job).steps[0], [0], summaries)


# Mean lat measured with fio 3.33, 4k random reads at depth 1, direct: a hole by psync and by
# libaio, a loop device on a tmpfs by libaio and by psync, a virtual disk.
@pytest.mark.parametrize(
    ("value_ns", "is_flagged"),
    [(1433, True), (3903, True), (4000, False), (18185, False), (22681, False), (69945, False)],
)
def test_reads_of_holes_are_too_fast_and_reads_of_memory_behind_a_loop_device_are_not(
    value_ns, is_flagged
):
    assert (Flag.FASTER_THAN_STORAGE in flags_of(job_of(), mean(value_ns))) is is_flagged


def test_a_large_read_is_held_against_what_a_link_can_carry():
    (step,) = plan_job(job_of(block="1M")).steps
    assert is_too_fast(step, mean(22311))  # a hole, psync: 47 GB/s
    assert not is_too_fast(step, mean(5_604_227))  # a loop device on a tmpfs
    assert not is_too_fast(step, mean(22311, op="write"))


@pytest.mark.parametrize(
    ("job", "facts"),
    [
        (job_of("direct: false"), {}),
        (job_of(target="{null_engine: true}"), {}),
        (job_of(), {"device_name": "pmem0"}),
    ],
)
def test_the_page_cache_the_null_engine_and_persistent_memory_may_be_fast(job, facts):
    assert flags_of(job, mean(450), facts) == ()


def test_what_was_found_unwritten_before_the_trial_is_its_flag():
    found = {"unwritten.agent-01": ["target-0: 4096 bytes of its file were never written"]}
    assert flags_of(job_of(), mean(9000), trial_facts=found) == (Flag.READS_UNWRITTEN,)


def test_reads_of_what_only_a_server_knows_are_told():
    found = {"unknown.agent-01": ["target-0: only its server can tell what it holds"]}
    assert flags_of(job_of(), mean(9000), trial_facts=found) == (Flag.READS_UNKNOWN,)


def test_a_journal_on_the_target_is_told():
    assert flags_of(job_of(), [], journal_on_target=True) == (Flag.JOURNAL_ON_TARGET,)


def test_random_writes_that_were_not_steady_are_told_of_every_trial():
    assert flags_of(job_of(), [], is_steady=False) == (Flag.UNSTEADY_PRECONDITION,)
