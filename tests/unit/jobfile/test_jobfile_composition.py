"""Suites, profiles, variables and loops come to plain workloads before they are read."""

from __future__ import annotations

import pytest

from storperf.errors import JobFileError
from storperf.jobfile.parse import parse_job
from storperf.plan import plan_job
from storperf.workloads.suites import SUITES

LIBRARY = {
    "mine": "description: mine\nworkloads: [rr, {name: w, rw: randwrite, bs: 8k}]\nduration: 5s\n"
    "matrix: {block_size: 4k, queue_depth: [1, 2]}\n",
    "steady": "workloads: [rr]\nuntil: {steady: {}}\n",
    "log": "description: a log\nrw: write\nbs: 16k\niodepth: 1\nfdatasync: 1\n",
    "torn": "rw: [\n",
}
HEAD = "name: x\ntarget: {directory: scratch, size: 1G}\n"


def parse(text, **more):
    return parse_job(HEAD + text, source="job.yaml", library=LIBRARY, **more)


def faults_of(text, **more):
    with pytest.raises(JobFileError) as refused:
        parse(text, **more)
    return refused.value.faults


def keys_of(job):
    return [step.key for step in plan_job(job).steps]


# --- suites ----------------------------------------------------------------------------------


def test_a_suite_lends_its_keys():
    job = parse("suite: mine\n")
    assert [workload.name for workload in job.workloads] == ["rr", "w"]
    assert job.ending.runtime_s == 5
    assert job.matrix.queue_depths == (1, 2)


def test_the_job_files_own_keys_win_key_by_key():
    job = parse("suite: mine\nmatrix: {queue_depth: 4}\nduration: 7s\n")
    assert (job.matrix.queue_depths, job.matrix.block_sizes_bytes) == ((4,), (4096,))
    assert job.ending.runtime_s == 7


def test_a_duration_takes_the_place_of_the_suites_until():
    job = parse("suite: steady\nduration: 3s\n")
    assert (job.ending.runtime_s, job.ending.until_steady) == (3, None)


@pytest.mark.parametrize(
    ("suite", "says"),
    [
        ("min", "line 3: suite: no suite is called 'min'; did you mean 'mine'?"),
        ("log", "line 3: suite: 'log' is a workload, no suite: name it in `workloads`"),
        ("rr", "line 3: suite: 'rr' is a workload: name it in `workloads`"),
        ("torn", "'torn' cannot be read"),
        ("[a]", "line 3: suite: must be a single value"),
    ],
)
def test_a_suite_that_is_none_is_refused(suite, says):
    assert says in faults_of(f"suite: {suite}\nworkloads: rr\n")[0]


def test_a_fault_in_a_suite_stands_at_the_line_that_names_it():
    (fault,) = faults_of("suite: mine\ninterval: 20s\n")
    assert fault.startswith("line 4: interval")
    library = {"odd": "workloads: [rr]\nmatrix: {block_size: 3}\n"}
    with pytest.raises(JobFileError) as refused:
        parse_job(HEAD + "lab: x\nsuite: odd\n", source="j", library=library)
    assert refused.value.faults[0].startswith("line 4: matrix.block_size[0]: 3 is not between")


def test_what_was_filled_in_is_kept_as_a_job_file_of_its_own():
    job = parse("suite: mine\nvariables: {B: 5s}\nduration: ${B}\n")
    again = parse_job(job.text, source="kept", library={})
    assert again == job
    assert "suite" not in job.text
    assert "${" not in job.text


def test_a_file_without_any_of_it_is_kept_as_it_is():
    assert parse("workloads: rr # mine\n").text.endswith("workloads: rr # mine\n")


# --- profiles --------------------------------------------------------------------------------


def test_a_profile_is_a_workload_by_its_name():
    (workload,) = parse("workloads: log\n").workloads
    assert workload.name == "log"
    assert workload.options == (("rw", "write"), ("fdatasync", "1"))
    assert (workload.block_sizes_bytes, workload.queue_depths) == ((16384,), (1,))
    assert parse_job(parse("workloads: log\n").text, source="x", library={}).workloads == (
        workload,
    )


def test_a_suite_among_the_workloads_is_refused():
    (fault,) = faults_of("workloads: [rr, mine]\n")
    assert fault == "line 3: workloads[1]: 'mine' is a suite: write `suite: mine`"


def test_a_near_profile_is_named():
    assert "did you mean 'log'?" in faults_of("workloads: [logg]\n")[0]


def test_an_unsafe_option_of_a_profile_is_refused_like_any():
    library = {"bad": "rw: read\nexec_prerun: touch\n"}
    with pytest.raises(JobFileError, match="it runs a command"):
        parse_job(HEAD + "workloads: bad\n", source="j", library=library)


# --- variables -------------------------------------------------------------------------------


def test_a_variable_stands_for_its_value_within_a_text_and_alone():
    job = parse(
        "variables: {T: 7, D: [1, 8]}\nworkloads: rr\nduration: ${T}s\n"
        "matrix: {queue_depth: '${D}'}\n"
    )
    assert (job.ending.runtime_s, job.matrix.queue_depths) == (7, (1, 8))


def test_a_given_variable_in_brackets_is_a_list():
    text = "variables: {W: [ws], D: 1}\nworkloads: ${W}\nmatrix: {queue_depth: '${D}'}\n"
    job = parse(text, variables={"W": "[rr, wr,]", "D": "[1, 8]"})
    assert [each.name for each in job.workloads] == ["rr", "wr"]
    assert job.matrix.queue_depths == (1, 8)


def test_a_given_variable_wins():
    job = parse("variables: {T: 7s}\nworkloads: rr\nduration: ${T}\n", variables={"T": "9s"})
    assert job.ending.runtime_s == 9


def test_two_dollars_are_one():
    assert parse("workloads: rr\nlab: 'a$${T}'\nduration: 1s\n").lab == "a${T}"


@pytest.mark.parametrize(
    ("text", "given", "says"),
    [
        ("duration: ${T}\n", {}, "duration: no variable is called 'T'; `variables` has none"),
        ("variables: {TT: 1}\nlab: ${TTT}\n", {}, "did you mean 'TT'?"),
        ("variables: {T: [1]}\nlab: a${T}\n", {}, "is a list; it can only stand alone"),
        ("variables: {1T: 1}\n", {}, "is no name of a variable"),
        ("variables: {T: {a: 1}}\n", {}, "must be a single value or a list"),
        ("variables: [1]\n", {}, "must be a mapping"),
        ("lab: x\n", {"T": "1"}, "'T' was given, but the job has no such variable"),
    ],
)
def test_a_wrong_variable_is_refused(text, given, says):
    assert says in " ".join(faults_of("workloads: rr\n" + text, variables=given))


# --- loops -----------------------------------------------------------------------------------


def test_a_list_of_a_matrix_axis_is_the_workloads_own_axis():
    job = parse("workloads: [{rw: randread, bs: [4k, 8k], iodepth: [1, 2]}, ws]\nduration: 1s\n")
    assert keys_of(job)[:4] == [
        "randread-bs4k-qd1-nj1-a1",
        "randread-bs4k-qd2-nj1-a1",
        "randread-bs8k-qd1-nj1-a1",
        "randread-bs8k-qd2-nj1-a1",
    ]
    assert len(keys_of(job)) == 5


def test_a_list_of_another_option_is_a_loop_with_its_value_in_the_name():
    job = parse("workloads: [{name: mix, rw: [rw, randrw], rwmixread: [0, 100]}]\n")
    assert [workload.name for workload in job.workloads] == [
        "mix-rw-rwmixread0",
        "mix-rw-rwmixread100",
        "mix-randrw-rwmixread0",
        "mix-randrw-rwmixread100",
    ]
    assert [each.ops for each in job.workloads[:2]] == [("write",), ("read",)]


def test_a_loop_over_patterns_without_a_name_takes_theirs():
    job = parse("workloads: [{rw: [read, write]}]\n")
    assert [workload.name for workload in job.workloads] == ["read", "write"]


def test_loops_without_end_are_refused():
    numbers = list(range(1, 40))
    text = f"workloads: [{{rw: randrw, rwmixread: {numbers}, rate_iops: {numbers}}}]\n"
    assert "its lists make 1521 workloads; at most 1000" in faults_of(text)[0]


# --- what ships ------------------------------------------------------------------------------

# The steps of each suite; of Wally's by its own lists, of SNIA's by the specification.
STEPS = {
    "storperf": 5,
    "sync-writes": 4,
    "integrity": 2,
    "fioloadgen-randr": 1,
    "fioloadgen-randrlimited": 1,
    "fioloadgen-randrw7030": 1,
    "fioloadgen-seqwrite": 1,
    "fioloadgen-custom": 1,
    "snia-iops": 7 * 8,
    "snia-throughput": 4,
    "snia-latency": 9,
    "snia-write-saturation": 1,
    "wally-ceph": 9 + 10 + 1 + 1,
    "wally-hdd": 2 * 7 + 2,
    "wally-cinder-iscsi": 2 * 6 + 2,
    "wally-verify": 4 + 4 + 6 + 6 + 1,
    "wally-check-linearity": 2 * 11,
    "wally-check-distribution": 1,
    "wally-lat-vs-iops": 10 + 8 + 7 + 5,
    "wally-mixed-hdd": 6 * 3,
    "wally-mixed-ssd": 9 * 4,
}


@pytest.mark.parametrize("name", SUITES)
def test_a_shipped_suite_is_a_job_with_the_steps_it_should_have(name):
    job = parse_job(HEAD + f"suite: {name}\n", source="j")
    assert len(plan_job(job).steps) == STEPS[name]
    assert "description:" in SUITES[name]


def test_fioloadgens_slider_reaches_both_ends():
    for writes, ops in (("0", ("read",)), ("100", ("write",)), ("30", ("read", "write"))):
        text = HEAD + "suite: fioloadgen-custom\n"
        job = parse_job(text, source="j", variables={"WRITES": writes})
        assert job.workloads[0].ops == ops
