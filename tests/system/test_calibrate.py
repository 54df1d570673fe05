"""`calibrate`: A/A runs that can be interrupted, and what later verdicts make of them."""

from __future__ import annotations

import pytest

STEPS = {
    "target": {"null_engine": True},
    "workloads": ["rr"],
    "matrix": {"block_size": ["4k", "8k"], "queue_depth": [1, 4]},
    "limits": ["iops >= 1"],
}


def test_killed_calibration_goes_on_enters_no_baseline_and_is_the_next_runs_prior(storperf):
    job = storperf.job(**STEPS)
    began = storperf.start("calibrate", job, "--runs", 3)
    began.until("calibration, run 2 of 3")
    began.until("completed", timeout_s=60)
    began.process.kill()
    began.process.wait()

    ended = storperf("calibrate", job, "--runs", 3, "--json")
    assert ended.exit_code == 0, ended
    found = ended.json
    assert (found["schema"], found["usable"]) == ("storperf-calibration/1", 3)
    # What was measured is not measured again, and the run that was cut off has gone on.
    assert "calibration, run 1 of 3" not in ended.stderr
    assert len(found["runs"]) == len(storperf("list", "--json").json["runs"]) == 3
    iops = next(each for each in found["spreads"] if each["metric"] == "iops")
    assert (iops["figures"], iops["df"], iops["is_used"]) == (4, 8, True)
    assert any("nightly runs" in said for said in found["sentences"])
    assert storperf("baseline", "show", "quick", "--json").json["entries"] == []

    first, second = (storperf("run", job, "--json") for _ in range(2))
    assert (first.exit_code, first.json["verdict"]["enters_baseline"]) == (0, True)
    judged = [each for each in second.json["verdict"]["checks"] if each["metric"] == "iops"]
    assert any("this lab's calibration (quick, " in each["sentence"] for each in judged)
    assert storperf("calibrate", job, "--show", "--json").json["spreads"] == found["spreads"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--runs", "1"], "a spread needs 2 runs at least"),
        (["--show"], "was never calibrated"),
    ],
)
def test_what_cannot_be_calibrated_is_said_before_anything_is_measured(storperf, arguments, says):
    ended = storperf("calibrate", storperf.job(**STEPS), *arguments)
    assert ended.exit_code == 2
    assert says in ended.stderr
