"""What an agent's record of an end means, rule by rule."""

from __future__ import annotations

import dataclasses

import pytest

from storperf.engine.trial_end import (
    end_of,
    explain_end,
    explain_figures,
    longest_s,
    rules_met,
)
from storperf.fio.ending import FailureKind
from storperf.jobfile.parse import parse_job
from storperf.model.ending import EndRule
from storperf.model.run import TrialEnd
from storperf.plan import plan_job

JOB = parse_job(
    "name: n\ntarget: {directory: d, size: 16M}\nworkloads: [rr]\nduration: 10s\n", source="x"
)
STEADY_JOB = parse_job(
    "name: n\ntarget: {directory: d, size: 16M}\nworkloads: [rr]\nuntil: {at_most: 20m}\n",
    source="x",
)
MIXED_JOB = parse_job(
    "name: n\ntarget: {directory: d}\nworkloads: [{rw: randrw}]\nduration: 10s\n", source="x"
)
STEP = plan_job(JOB).steps[0]


def a_target(**changes):
    good = {
        "exit_status": 0,
        "signal": None,
        "stopped": False,
        "timed_out": False,
        "documents": 10,
        "rubbish": 0,
        "broken": "",
        "errors": [0],
        "ios": {"read": 1000, "write": 0, "trim": 0},
        "bytes": {"read": 4096000, "write": 0, "trim": 0},
        "runtime_ms": {"read": 10000, "write": 0, "trim": 0},
        "last_lines": [],
        "notes": [],
    }
    return {**good, **changes}


def an_end(*targets, why=""):
    return {"why": why, "targets": list(targets)}


def test_a_full_disk_of_the_agent_is_named_where_fio_could_print_nothing():
    silent = an_end(a_target(documents=0))
    assert explain_end({**silent, "room_bytes": 1 << 30}).kind is not FailureKind.AGENT
    failure = explain_end({**silent, "room_bytes": 4096})
    assert failure.kind is FailureKind.AGENT
    assert failure.sentence.startswith("the agent's disk is full; fio ended")
    assert explain_end({**an_end(a_target()), "room_bytes": 0}) is None


def test_a_good_end_is_a_measurement():
    assert explain_end(an_end(a_target(), a_target())) is None
    assert explain_figures(an_end(a_target()), STEP, JOB) is None


@pytest.mark.parametrize(
    ("why", "kind", "words"),
    [
        ("agent_died", FailureKind.AGENT, "process died"),
        ("journal_full", FailureKind.AGENT, "disk is full"),
        ("refused: /dev/x is another device", FailureKind.TARGET, "/dev/x is another device"),
        ("released", FailureKind.AGENT, "fio was not started: released"),
    ],
)
def test_an_end_without_fio_is_never_a_measurement(why, kind, words):
    failure = explain_end(an_end(why=why))
    assert failure.kind is kind
    assert words in failure.sentence


def test_a_dead_agent_is_told_before_what_its_fio_said():
    assert explain_end(an_end(a_target(), why="agent_died")).kind is FailureKind.AGENT
    assert explain_end(an_end(a_target(), why="journal_full")).kind is FailureKind.AGENT


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_target_spoils_the_trial_wherever_it_stands(place):
    targets = [a_target(), a_target(), a_target()]
    targets[place] = a_target(exit_status=1)
    assert explain_end(an_end(*targets)) is not None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"exit_status": 1}, FailureKind.OTHER),
        ({"exit_status": None, "signal": 9}, FailureKind.KILLED),
        ({"exit_status": 128}, FailureKind.KILLED),
        ({"exit_status": 128, "stopped": True, "timed_out": True}, FailureKind.HUNG),
        ({"documents": 0}, FailureKind.RUBBISH),
        ({"ios": {"read": 0, "write": 0, "trim": 0}}, FailureKind.NO_IO),
        ({"errors": [0, 5]}, FailureKind.IO_ERROR),
        ({"errors": [28]}, FailureKind.NO_SPACE),
        ({"errors": [84]}, FailureKind.VERIFY),
        ({"broken": "KeyError: 'read'"}, FailureKind.RUBBISH),
        ({"rubbish": 1}, FailureKind.RUBBISH),
    ],
)
def test_a_target_that_ended_badly_has_a_reason(changes, kind):
    failure = explain_end(an_end(a_target(**changes)))
    assert failure.kind is kind
    assert failure.sentence


def test_our_own_stop_is_a_measurement():
    assert explain_end(an_end(a_target(exit_status=128, stopped=True))) is None


@pytest.mark.parametrize("why", ["steady", "confident", "storperf", "steady+confident"])
def test_a_stop_because_its_rules_were_met_is_a_measurement(why):
    assert explain_end(an_end(a_target(exit_status=128, stopped=True), why=why)) is None


@pytest.mark.parametrize("why", ["released", "agent_ended", "cancelled", "stopped"])
def test_any_other_stop_leaves_a_piece_of_a_measurement(why):
    failure = explain_end(an_end(a_target(exit_status=128, stopped=True), why=why))
    assert failure.kind is FailureKind.AGENT
    assert why in failure.sentence


def test_a_flood_is_the_reason_and_the_kill_its_consequence():
    flooded = a_target(exit_status=None, signal=9, broken="64 MiB came that are no document")
    failure = explain_end(an_end(flooded))
    assert failure.kind is FailureKind.RUBBISH
    assert "64 MiB came" in failure.sentence
    assert "killed by signal 9" in failure.sentence


def test_what_the_storage_did_is_told_before_what_cannot_be_read():
    for errors, kind in (([84], FailureKind.VERIFY), ([5], FailureKind.IO_ERROR)):
        torn = a_target(exit_status=1, errors=errors, rubbish=1)
        assert explain_end(an_end(torn)).kind is kind


def test_more_bytes_than_the_ios_can_be_are_a_lie():
    liar = a_target(bytes={"read": 4096001, "write": 0, "trim": 0})
    failure = explain_figures(an_end(liar), STEP, JOB)
    assert failure.kind is FailureKind.LIES
    assert "4096001 bytes in 1000 reads of 4096 bytes" in failure.sentence


def test_fewer_bytes_are_no_lie():
    # fio counts a short I/O at the end of a span as one.
    assert explain_figures(an_end(a_target(bytes={"read": 4000000})), STEP, JOB) is None


@pytest.mark.parametrize(("runtime_ms", "is_early"), [(8999, True), (9000, False), (0, True)])
def test_an_end_before_nine_tenths_of_the_runtime_is_early(runtime_ms, is_early):
    early = an_end(a_target(runtime_ms={"read": runtime_ms}))
    failure = explain_figures(early, STEP, JOB)
    assert (failure is not None) is is_early
    if failure:
        assert failure.kind is FailureKind.EARLY
        assert "instead of 10 s" in failure.sentence


def test_a_trial_that_we_stopped_may_be_shorter():
    stopped = a_target(exit_status=128, stopped=True, runtime_ms={"read": 50})
    assert explain_figures(an_end(stopped), STEP, JOB) is None


def test_every_direction_of_a_mix_is_looked_at():
    step = plan_job(MIXED_JOB).steps[0]
    one_sided = a_target(
        ios={"read": 10, "write": 10},
        bytes={"read": 1, "write": 1},
        runtime_ms={"read": 10000, "write": 100},
    )
    assert explain_figures(an_end(one_sided), step, MIXED_JOB).kind is FailureKind.EARLY


def test_a_verify_takes_turns_and_is_not_too_short():
    job = parse_job(
        "name: n\ntarget: {directory: d}\nduration: 10s\n"
        "workloads: [{rw: write, verify: crc32c}]\n",
        source="x",
    )
    (step,) = plan_job(job).steps
    turns = {"read": 6000, "write": 4000, "trim": 0}
    assert explain_figures(an_end(a_target(runtime_ms=turns)), step, job) is None
    short = {"read": 1000, "write": 4000, "trim": 0}
    assert explain_figures(an_end(a_target(runtime_ms=short)), step, job) is not None


def test_a_warm_up_has_no_time_to_end_too_early_and_no_deadline():
    warm_up = dataclasses.replace(
        STEP, workload=dataclasses.replace(STEP.workload, name="_warm_up")
    )
    short = a_target(runtime_ms={"read": 1, "write": 0, "trim": 0})
    assert explain_figures(an_end(short), warm_up, JOB) is None
    assert explain_figures(an_end(short), STEP, JOB) is not None
    assert end_of(STEADY_JOB, warm_up, frozenset()) is TrialEnd.COMPLETED


BOTH_JOB = parse_job(
    "name: n\ntarget: {directory: d}\nworkloads: [rr]\n"
    "until: {steady: {}, confident: {}, storperf: {}}\n",
    source="x",
)


@pytest.mark.parametrize(
    ("job", "why", "end"),
    [
        (JOB, "", TrialEnd.COMPLETED),
        (STEADY_JOB, "steady", TrialEnd.STEADY),
        (STEADY_JOB, "", TrialEnd.DEADLINE),
        (BOTH_JOB, "confident", TrialEnd.CONFIDENT),
        (BOTH_JOB, "storperf", TrialEnd.STORPERF_RULE),
        (BOTH_JOB, "storperf+confident", TrialEnd.CONFIDENT),
        (BOTH_JOB, "steady+storperf+confident", TrialEnd.STEADY),
        (BOTH_JOB, "", TrialEnd.DEADLINE),
    ],
)
def test_the_end_has_the_word_for_what_ended_it(job, why, end):
    assert end_of(job, STEP, rules_met(why)) is end


@pytest.mark.parametrize("why", ["", "released", "steady+released", "steady+", "+"])
def test_a_stop_by_anything_else_met_no_rule(why):
    assert rules_met(why) == frozenset()


def test_every_rule_of_an_ending_has_a_word_for_its_end():
    ends = {end_of(BOTH_JOB, STEP, frozenset({rule})) for rule in EndRule}
    assert len(ends) == len(EndRule)
    assert TrialEnd.DEADLINE not in ends


@pytest.mark.parametrize(
    ("runtime_s", "ramp_s", "longest"),
    [(1, 0, 16), (60, 0, 75), (60, 5, 80), (600, 0, 720), (86400, 0, 103680)],
)
def test_a_fio_that_does_not_end_is_killed_a_fifth_after_its_time(runtime_s, ramp_s, longest):
    assert longest_s(runtime_s + ramp_s) == pytest.approx(longest)
