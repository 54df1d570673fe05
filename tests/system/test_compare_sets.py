"""`compare` of sets of runs: how they are named, what is said, and with which exit code."""

from __future__ import annotations

import pytest
from system.test_import import SINGLE, imported, later


@pytest.fixture
def clouds(storperf):
    """Six nights in one cloud, and six in another that is a fifth slower."""
    for lab, factor in (("berlin", 1.0), ("paris", 0.8)):
        nights = [
            later(SINGLE, storperf.folder, day + round(factor * 100), factor + 0.004 * (day % 3))
            for day in range(6)
        ]
        imported(storperf, "--job", "nightly", "--lab", lab, *nights)
    return storperf


def test_a_slower_cloud_fails_and_an_equal_one_passes(clouds):
    slower = clouds("compare", "job=nightly,lab=berlin", "lab=paris", "--json")
    assert slower.exit_code == 1, slower
    found = slower.json["comparison"]
    assert [len(found[name]["runs"]) for name in ("reference", "candidate")] == [6, 6]
    iops = next(c for c in found["checks"] if (c["op"], c["metric"]) == ("read", "iops"))
    assert iops["reason"] == "regression"
    assert iops["change"] == pytest.approx(-0.2, abs=0.01)
    assert iops["change_low"] < iops["change"] < iops["change_high"] < -0.15
    assert clouds("compare", "lab=paris", "lab=berlin").exit_code == 0
    told = " ".join(clouds("compare", "lab=berlin", "lab=berlin,last=3").stdout.split())
    assert "candidate lab=berlin,last=3: 3 runs" in told
    few = clouds("compare", "lab=berlin", "lab=paris,last=2")
    assert few.exit_code == 3, few


def test_runs_are_named_one_by_one_too_and_words_that_name_none_are_refused(clouds):
    ids = [run["id"] for run in clouds("list", "--json", "--lab", "berlin").json["runs"]]
    ended = clouds("compare", ",".join(ids[:5]), ids[5], "--json")
    assert ended.exit_code == 0, ended
    assert len(ended.json["comparison"]["reference"]["runs"]) == 5
    refusals = {
        "lab=oslo": "no completed run is of lab=oslo; there are runs of nightly (berlin)",
        "lab=berlin,colour=red": "'colour=red' of 'lab=berlin,colour=red' is no condition",
        "last=0": "last=0 is no number of runs",
        "lab=berlin,from=yesterday": "from= 'yesterday' is no time",
        "lab=a,lab=b": "says lab= twice",
        f"{ids[0]},nothing": "nothing",
    }
    for words, said in refusals.items():
        ended = clouds("compare", ids[0], words)
        assert ended.exit_code == 2, (words, ended)
        assert said in " ".join(ended.stderr.split())
