"""A fio that lies, hangs, dies or floods: a reason, the right exit code, nothing left behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tools.fake_fio import calls_of

INCONCLUSIVE = ("inconclusive", "invalid", 4)
STORAGE_LIED = ("fail", "verify_error", 1)


@dataclass(frozen=True)
class Lie:
    """What fio does in which phase, and what must come out of it."""

    mode: str
    says: str
    settings: dict = field(default_factory=dict)
    verdict: tuple = INCONCLUSIVE


IN_FILL = {"phases": ["fill"]}
# Every one of these lets the run go on to its end: the trial is stored as failed.
IN_A_TRIAL = {
    "crashes": Lie("crashes", "fio ended with exit status 1 before its first document"),
    "dies midway": Lie("dies_midway", "fio was killed by signal 9 (SIGKILL)"),
    "hangs": Lie("hangs", "fio did not end in time and was killed", {"child": True}),
    "ends early": Lie("early_end", "fio ended after 0.33"),
    "does no I/O": Lie("no_io", "fio ended well, but did no I/O"),
    "prints rubbish": Lie("rubbish", "fio ended well, but printed no document"),
    "prints NaN": Lie("nan", "of them are torn, no JSON, or hold NaN"),
    "lies about its size": Lie("lies_about_size", "fio claims"),
    "has an I/O error": Lie("error_in_json", "Input/output error (error 5)"),
    "has no space": Lie("enospc", "No space left on device (error 28)"),
    "finds other data": Lie(
        "verify_error", "what was read back is not what was written", verdict=STORAGE_LIED
    ),
    "floods its output": Lie("fills_output", "came that are no status document"),
    "floods stderr": Lie(
        "fills_output", "came that are no status document", {"flood_to": "stderr"}
    ),
}
# These end the run before its first trial.
BEFORE_A_TRIAL = {
    "is too old": Lie("too_old", "no usable fio: fio-2.1 is too old; storperf needs 3.20"),
    "is another program": Lie("honest", "--version says 'gizmo 1'", {"version": "gizmo 1"}),
    "never tells its version": Lie("no_version", "did not answer within 10 s"),
    "fills half": Lie("lies_about_size", "says the target is filled, but wrote only", IN_FILL),
    "crashes in the fill": Lie("crashes", "filling the target failed: fio ended", IN_FILL),
    "dies in the fill": Lie("dies_midway", "filling the target failed: fio was killed", IN_FILL),
    "fills no space": Lie("enospc", "filling the target failed: 1 of 1 fio jobs failed", IN_FILL),
    "fills with rubbish": Lie("rubbish", "filling the target failed", IN_FILL),
    "fills nothing": Lie("fills_nothing", "16777216 bytes of its file were never written", IN_FILL),
    "fills with zeros": Lie("fills_zeros", "66 of 66 blocks looked at are all zero", IN_FILL),
}
CASES = {**IN_A_TRIAL, **BEFORE_A_TRIAL}


def carry_out(program, case):
    lie = CASES[case]
    provider = program.lying_fio(lie.mode, **lie.settings)
    ended = program.run_job(provider=provider)
    program.assert_nothing_left()
    return program, provider, ended


@pytest.fixture(scope="module")
def outcomes(at_once):
    return at_once("case", carry_out)


@pytest.mark.parametrize("case", CASES)
def test_a_fio_that(case, outcomes):
    program, _, ended = outcomes[case].result()
    lie = CASES[case]
    outcome, reason, exit_code = lie.verdict
    assert ended.exit_code == exit_code, ended
    verdict = ended.json["verdict"]
    assert (verdict["outcome"], verdict["reason"]) == (outcome, reason)
    assert lie.says in verdict["sentence"]
    assert lie.says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not verdict["enters_baseline"]
    assert not (program.folder / "scratch").exists()
    [trial] = ended.trials
    assert trial["figures"] == []
    if case in IN_A_TRIAL:
        assert (trial["end"], trial["state"]) == ("failed", "stored")
        assert lie.says in trial["end_reason"]
        folder = program.run_folder(ended.json["run"]["id"])
        assert (folder / "raw/t001.1.agent-01.target-0.log.gz").exists()
        assert (folder / "report.md").exists()
    else:
        assert (trial["end"], trial["state"]) == (None, "planned")
        assert lie.says in ended.json["run"]["facts"]["faults"][0]["message"]
    kept = program.run_folder(ended.json["run"]["id"]) / "result.json"
    assert json.loads(kept.read_text(encoding="utf-8")) == ended.json


@pytest.mark.parametrize("fio", ["/nowhere/fio", "no-such-fio", "/etc/passwd"])
def test_without_a_fio_nothing_is_made(storperf, fio):
    ended = storperf.run_job(provider={"fio": fio})
    assert ended.exit_code == 4, ended
    assert f"agent-01 has no usable fio: {fio}" in ended.stderr
    assert "apt-get install fio" in ended.stderr
    assert ended.json["verdict"]["outcome"] == "inconclusive"
    storperf.assert_nothing_left()
    assert not (storperf.folder / "scratch").exists()


def test_options_that_fio_refuses_are_the_users_fault(storperf):
    provider = storperf.lying_fio("bad_options")
    ended = storperf.run_job(provider=provider)
    assert ended.exit_code == 2, ended
    assert "fio refuses step rr-bs4k-qd1-nj1-a1: fio: failed parsing" in ended.stderr
    assert ended.json["verdict"] is None
    assert all(
        "--parse-only" in " ".join(call["argv"]) for call in calls_of(Path(provider["fio"]))[2:]
    )
    storperf.assert_nothing_left()


def test_a_trial_that_fails_does_not_end_the_others(storperf):
    provider = storperf.fio_by_pattern(
        randread=storperf.lying_fio("crashes"), randwrite=storperf.lying_fio()
    )
    ended = storperf.run_job(provider=provider, workloads=["rr", "wr"], limits=None, repeats=2)
    assert ended.exit_code == 4, ended
    assert [trial["end"] for trial in ended.trials] == ["failed"] * 2 + ["completed"] * 2
    assert all(trial["figures"] for trial in ended.trials[2:])
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()
