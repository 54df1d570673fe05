"""Steps, their keys and fingerprints, and the order of trials."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.errors import UsageError
from storperf.jobfile.parse import parse_job
from storperf.model.ending import ConfidentRule, Ending, Need, SteadyRule, StorperfRule
from storperf.model.job import Graphite, Limit, Precondition, Provider, RandomWrites, Workload
from storperf.model.target import FileSystem
from storperf.plan import MAX_KEY, fingerprint, plan_job

JOB = parse_job(
    "name: n\ntarget: {directory: scratch, size: 1G}\nworkloads: [rr, ws]\n"
    "matrix: {block_size: [4k, 64k], queue_depth: [1, 16], numjobs: [1, 2]}\nrepeats: 2\n",
    source="x",
)
ONE = parse_job("name: n\ntarget: {directory: d, size: 1G}\nworkloads: [rr]\n", source="x")


def job_of(workloads):
    return parse_job(
        f"name: n\ntarget: {{null_engine: true}}\nworkloads: {workloads}\n", source="x"
    )


def test_steps_are_the_matrix_in_order():
    keys = [step.key for step in plan_job(JOB).steps]
    assert len(keys) == 16
    assert keys[:5] == [
        "rr-bs4k-qd1-nj1-a1",
        "rr-bs4k-qd1-nj2-a1",
        "rr-bs4k-qd16-nj1-a1",
        "rr-bs4k-qd16-nj2-a1",
        "rr-bs64k-qd1-nj1-a1",
    ]
    assert keys[-1] == "ws-bs64k-qd16-nj2-a1"


def test_all_steps_are_executed_once_before_any_is_repeated():
    plan = plan_job(JOB)
    assert [trial.id for trial in plan.trials] == [f"t{n:03}" for n in range(1, 33)]
    assert [trial.repeat for trial in plan.trials] == [1] * 16 + [2] * 16
    keys = [step.key for step in plan.steps]
    assert [trial.step_key for trial in plan.trials] == keys + keys
    assert {(trial.side, trial.session) for trial in plan.trials} == {("candidate", 1)}


def test_a_pinned_axis_is_not_multiplied():
    workloads = (
        Workload(name="p", options=(("rw", "read"),), block_sizes_bytes=(8192,), queue_depths=(3,)),
    )
    steps = plan_job(dataclasses.replace(JOB, workloads=workloads)).steps
    assert [step.key for step in steps] == ["p-bs8k-qd3-nj1-a1", "p-bs8k-qd3-nj2-a1"]
    assert steps[0].block_size_bytes == 8192


@pytest.mark.parametrize("option", ["bssplit: 4k/50:8k/50", "bsrange: 4k-8k", "bs: '4k,8k'"])
def test_mixed_block_sizes_are_one_step_without_a_size(option):
    (step,) = plan_job(job_of(f"[{{rw: randrw, {option}}}]")).steps
    assert step.key == "randrw-bsmix-qd16-nj1-a1"
    assert step.block_size_bytes == 0


def test_a_pinned_numjobs_is_taken():
    (step,) = plan_job(job_of("[{rw: read, numjobs: 7}]")).steps
    assert (step.numjobs, step.key) == (7, "read-bs4k-qd16-nj7-a1")


def test_strange_names_become_plain_keys_that_differ():
    names = [
        "a/b",
        "a b",
        "a-b",
        "../..",
        "; rm -rf",
        "\N{SNOWMAN}",
        "A-B",
        "x" * 100,
        "x" * 99,
        "a-b-0123abcd",
        "deadbeef",
    ]
    keys = [step.key for step in plan_job(job_of([{"name": n, "rw": "read"} for n in names])).steps]
    assert len(set(keys)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", key) and len(key) <= MAX_KEY for key in keys)
    assert all(not key.startswith("-") for key in keys)


@given(
    st.lists(
        st.text(min_size=1, max_size=100).filter(str.isprintable), min_size=1, max_size=8,
        unique=True,
    )
)  # fmt: skip
def test_keys_are_unique_short_and_plain_for_any_names(names):
    workloads = tuple(Workload(name=name, options=(("rw", "read"),)) for name in names)
    keys = [step.key for step in plan_job(dataclasses.replace(JOB, workloads=workloads)).steps]
    assert len(set(keys)) == len(keys) == 8 * len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", key) for key in keys)


def test_a_made_name_never_meets_a_given_one():
    made = plan_job(job_of("[{name: a b, rw: read}]")).steps[0].key
    given_name = made.removesuffix("-bs4k-qd16-nj1-a1")
    assert plan_job(job_of(f"[{{name: {given_name}, rw: read}}]")).steps[0].key != made


def test_a_name_keeps_its_key_whatever_stands_beside_it():
    alone = plan_job(job_of("[{name: a b, rw: read}]")).steps[0].key
    beside = plan_job(job_of("[{name: a b, rw: read}, {name: a-c, rw: read}]")).steps[0].key
    assert alone == beside


def replaced_target(**more):
    (side,) = ONE.sides
    return (dataclasses.replace(side, targets=(dataclasses.replace(side.targets[0], **more),)),)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"lab": "other"},
        {"text": "other"},
        {"repeats": 7},
        {"baseline_runs": 7},
        {"provider": Provider(fio="/opt/fio")},
        {"graphite": Graphite()},
        {"limits": (Limit(text="x", metric="iops", at_least=True, bound=5),)},
        {"sides": replaced_target(path="/elsewhere", serial="S", destroy=True)},
    ],
)
def test_what_does_not_measure_leaves_the_fingerprint_alone(change):
    plan = plan_job(dataclasses.replace(ONE, **change))
    assert plan.steps == plan_job(ONE).steps


TWO_RULES = Ending(
    runtime_s=60, until_steady=SteadyRule(round_s=10), until_confident=ConfidentRule()
)
MEASURING = [
    {"workloads": (Workload(name="rr", options=(("rw", "randread"), ("norandommap", "1"))),)},
    {"matrix": dataclasses.replace(ONE.matrix, block_sizes_bytes=(512,))},
    {"matrix": dataclasses.replace(ONE.matrix, queue_depths=(2,))},
    {"matrix": dataclasses.replace(ONE.matrix, numjobs=(2,))},
    {"matrix": dataclasses.replace(ONE.matrix, agents=(2,))},
    {"ioengine": "io_uring"},
    {"direct": False},
    {"sides": replaced_target(kind="device")},
    {"sides": replaced_target(size_bytes=2 << 30)},
    {"sides": replaced_target(size_bytes=None)},
    {"sides": (dataclasses.replace(ONE.sides[0], targets=ONE.sides[0].targets * 2),)},
    {"ending": Ending(runtime_s=61)},
    {"ending": Ending(runtime_s=60, until_steady=SteadyRule(round_s=10))},
    {"ending": Ending(runtime_s=60, until_steady=SteadyRule(round_s=11))},
    {"ending": Ending(runtime_s=60, until_steady=SteadyRule(round_s=10, rounds=4))},
    {"ending": Ending(runtime_s=60, until_steady=SteadyRule(round_s=10, range_limit=0.3))},
    {"ending": Ending(runtime_s=60, until_steady=SteadyRule(round_s=10, slope_limit=0.3))},
    {"ending": Ending(runtime_s=60, until_storperf=StorperfRule())},
    {"ending": Ending(runtime_s=60, until_storperf=StorperfRule(samples=9))},
    {"ending": Ending(runtime_s=60, until_storperf=StorperfRule(sample_s=30))},
    {"ending": Ending(runtime_s=60, until_storperf=StorperfRule(range_limit=0.3))},
    {"ending": Ending(runtime_s=60, until_storperf=StorperfRule(slope_limit=0.3))},
    {"ending": Ending(runtime_s=60, until_confident=ConfidentRule())},
    {"ending": Ending(runtime_s=60, until_confident=ConfidentRule(half_width=0.02))},
    {"ending": Ending(runtime_s=60, until_confident=ConfidentRule(at_least=60))},
    {"ending": TWO_RULES},
    {"ending": dataclasses.replace(TWO_RULES, need=Need.ANY)},
    {"interval_s": 0.5},
    {"precondition": Precondition(fill=False)},
]


@pytest.mark.parametrize("change", MEASURING)
def test_what_measures_changes_the_fingerprint(change):
    before, after = (plan_job(job).steps[0] for job in (ONE, dataclasses.replace(ONE, **change)))
    assert before.fingerprint != after.fingerprint
    names = [[name for name, _ in each.measuring] for each in (before, after)]
    assert names[1][: len(names[0])] == names[0]
    assert before.measuring != after.measuring


_RULE = SteadyRule(round_s=10)
# Keys that came later: a field for each, where it is not the default.
ADDED = [
    {"sides": replaced_target(nrfiles=4)},
    {"sides": replaced_target(file_system=FileSystem(type="ext4"))},
    {"sides": replaced_target(file_system=FileSystem(type="xfs"))},
    {"sides": replaced_target(file_system=FileSystem(type="xfs", mkfs_options=("-K",)))},
    {"sides": replaced_target(file_system=FileSystem(type="xfs", mount_options=("noatime",)))},
    {"precondition": Precondition(passes=2)},
    {"precondition": Precondition(block_size_bytes=16384)},
    {"precondition": Precondition(queue_depth=8)},
    {"precondition": Precondition(purge=True)},
    {"precondition": Precondition(drop_caches=True)},
    {"precondition": Precondition(settle_s=30.0)},
    {"precondition": Precondition(random=RandomWrites(at_most_s=60, rule=_RULE))},
    {"precondition": Precondition(random=RandomWrites(at_most_s=61, rule=_RULE))},
    {"precondition": Precondition(random=RandomWrites(at_most_s=60, rule=_RULE, queue_depth=1))},
    {
        "precondition": Precondition(
            random=RandomWrites(at_most_s=60, rule=SteadyRule(round_s=10, rounds=4))
        )
    },
]


@pytest.mark.parametrize("change", ADDED)
def test_a_later_key_is_a_field_only_where_it_is_not_the_default(change):
    before, after = (plan_job(job).steps[0] for job in (ONE, dataclasses.replace(ONE, **change)))
    assert set(before.measuring) < set(after.measuring)
    assert before.fingerprint != after.fingerprint


def test_filling_what_is_filled_already_measures_the_same():
    again = dataclasses.replace(ONE, precondition=Precondition(refill=True))
    assert plan_job(again).steps == plan_job(ONE).steps


def test_all_measuring_changes_have_different_fingerprints():
    found = [
        plan_job(dataclasses.replace(ONE, **change)).steps[0].fingerprint
        for change in (*MEASURING, *ADDED)
    ]
    assert len(set(found)) == len(found)


def test_the_order_of_options_does_not_measure():
    options = (("rw", "randrw"), ("rwmixread", "70"))
    one, other = (
        plan_job(dataclasses.replace(ONE, workloads=(Workload(name="m", options=each),))).steps[0]
        for each in (options, options[::-1])
    )
    assert one.fingerprint == other.fingerprint


def test_the_fingerprint_is_versioned_and_stays():
    """A change here makes every stored baseline incomparable: raise FINGERPRINT_VERSION."""
    assert plan_job(ONE).steps[0].fingerprint == "v1-492769ef927ceba7"
    assert fingerprint((("a", "b"),)) == "v1-db8992cf941b185a"


@pytest.mark.parametrize(
    ("keys", "stays"),
    [
        ("", "v1-492769ef927ceba7"),
        ("duration: 5m\n", "v1-be6497b679ad9452"),
        ("until: {}\n", "v1-d23cbe4c9366464c"),
        ("until: {steady: {rounds: 4, range: 10%}, at_most: 30m}\n", "v1-75382f004c2394bc"),
    ],
)
def test_a_job_file_that_names_no_newer_key_keeps_its_fingerprint(keys, stays):
    text = f"name: n\ntarget: {{directory: d}}\nworkloads: [rr]\n{keys}"
    assert plan_job(parse_job(text, source="x")).steps[0].fingerprint == stays


def test_how_one_rule_is_combined_does_not_measure():
    alone = Ending(runtime_s=60, until_steady=SteadyRule(round_s=10))
    any_one = dataclasses.replace(alone, need=Need.ANY)
    one, other = (plan_job(dataclasses.replace(ONE, ending=each)) for each in (alone, any_one))
    assert one.steps[0].fingerprint == other.steps[0].fingerprint


def test_a_pinned_value_measures_like_the_matrix_one():
    pinned = (
        Workload(
            name="p", options=(("rw", "randread"),), block_sizes_bytes=(4096,), queue_depths=(16,)
        ),
    )
    (step,) = plan_job(dataclasses.replace(ONE, workloads=pinned)).steps
    assert step.fingerprint == plan_job(ONE).steps[0].fingerprint


def test_a_blank_in_a_value_cannot_pass_for_two_options():
    one, other = (
        plan_job(dataclasses.replace(ONE, workloads=(Workload(name="m", options=options),))).steps[
            0
        ]
        for options in ((("rw", "read"), ("a", "b c=d")), (("rw", "read"), ("a", "b"), ("c", "d")))
    )
    assert one.fingerprint != other.fingerprint


def test_a_value_cannot_pass_for_two_fields():
    assert fingerprint((("a", 'b","c'),)) != fingerprint((("a", "b"), ("c", "")))


def test_a_thousand_steps_and_their_trials_are_planned():
    matrix = dataclasses.replace(
        JOB.matrix, queue_depths=tuple(range(1, 101)), numjobs=tuple(range(1, 11))
    )
    job = dataclasses.replace(
        ONE, repeats=10, matrix=dataclasses.replace(matrix, block_sizes_bytes=(4096,))
    )
    plan = plan_job(job)
    assert (len(plan.steps), len(plan.trials)) == (1000, 10_000)
    assert plan.trials[0].id == "t00001"
    assert plan.trials[-1].id == "t10000"


HEAT = (
    "name: n\ntarget: {{directory: /d, size: 1G}}\nworkloads: [rr]\nrepeats: 5\nduration: 30m\n"
    "provider: {{kind: heat, stack: {{image: i, flavor: f, network: n, {more}}}}}\n"
)


@pytest.mark.parametrize("more", ["lifetime: 150m", "lifetime: 1h, attach: mine"])
def test_a_stack_that_outlives_its_trials_or_is_kept_is_taken(more):
    assert len(plan_job(parse_job(HEAT.format(more=more), source="x")).trials) == 5


def test_a_stack_that_expires_before_its_trials_end_is_refused():
    job = parse_job(HEAT.format(more="lifetime: 149m"), source="x")
    with pytest.raises(UsageError, match=r"2h30m, longer than the stack's `lifetime` \(2h29m\)"):
        plan_job(job)
