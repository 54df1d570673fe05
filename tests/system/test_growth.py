"""Rounds and searches with the real fio: the plan grows, survives its manager, and ends."""

from __future__ import annotations

import pytest
from system.together import Facts

fact = Facts()
NULL = {"null_engine": True}
SEARCH = {
    "target": NULL,
    "workloads": ["rr"],
    "matrix": {"block_size": "4k"},
    "search": {"queue_depth": {"at_most": 4, "gain": "100%"}},
    "duration": "1s",
    "limits": None,
}
ROUNDS = {
    "target": NULL,
    # Held to a rate: every round is like the one before.
    "workloads": [{"name": "rr", "rw": "randread", "rate_iops": 500}],
    "matrix": {"queue_depth": 1, "block_size": ["4k", "8k"]},
    "rounds": {"at_most": 6, "window": 3},
    "duration": "1s",
    "limits": ["iops >= 1"],
}


def found(ended):
    return ended.json["run"]["facts"]


@fact
def a_search_marks_the_knee_and_stops(storperf):
    ended = storperf.run_job(**SEARCH)
    (search,) = found(ended)["searches"]
    # At 100 % nearly any doubling saturates, as soon as its latency is the longer one.
    assert search["end"] in {"saturated", "at_most"}
    depths = [each["queue_depth"] for each in search["depths"]]
    assert depths == [1, 2, 4][: len(depths)]
    assert len(ended.json["steps"]) == len(depths)
    assert all(trial["end"] == "completed" for trial in ended.trials)
    if search["end"] == "saturated":
        assert search["knee"] == ended.json["steps"][-2]["key"]
        assert search["sentence"] in ended.stderr
    storperf.assert_nothing_left()


@fact
def a_search_whose_manager_is_killed_goes_on_where_it_was(storperf):
    job = storperf.job(**{**SEARCH, "search": {"queue_depth": {"at_most": 4, "gain": "1%"}}})
    storperf("run", job, STORPERF_DIE_AT="stored:stored")
    ended = storperf("resume", "--json")
    (search,) = found(ended)["searches"]
    assert search["end"] != "open"
    ids = [trial["id"] for trial in ended.trials]
    assert ids == [f"t{number:03}" for number in range(1, len(ids) + 1)]
    assert len(ids) >= 2
    storperf.assert_nothing_left()


@fact
def steady_rounds_end_at_the_first_steady_window_and_only_it_counts(storperf):
    ended = storperf.run_job(**ROUNDS)
    assert ended.exit_code == 0, ended
    rounds = found(ended)["rounds"]
    assert (rounds["is_steady"], rounds["count"], rounds["window"]) == (True, 3, [1, 3])
    assert [trial["steadiness"] for trial in ended.trials] == ["steady"] * 6
    assert "steady after 3 rounds" in ended.stderr
    storperf.assert_nothing_left()


@fact
def rounds_that_never_hold_still_are_not_steady_and_never_a_pass(storperf):
    rounds = {"at_most": 4, "window": 3, "range": "0.0001%"}
    provider = storperf.lying_fio(run_noise=0.2)
    ended = storperf.run_job(**{**ROUNDS, "rounds": rounds, "provider": provider})
    assert ended.exit_code == 3, ended
    assert ended.json["verdict"]["reason"] == "not_steady"
    facts = found(ended)["rounds"]
    assert (facts["is_steady"], facts["count"], facts["window"]) == (False, 4, [2, 4])
    flags = {trial["repeat"]: trial["flags"] for trial in ended.trials}
    assert "before_window" in flags[1]
    assert "before_window" not in flags[2]
    assert not ended.json["verdict"]["enters_baseline"]


@fact
def a_trial_that_fails_ends_the_rounds(storperf):
    provider = storperf.lying_fio("crashes")
    ended = storperf.run_job(
        **{**ROUNDS, "target": {"directory": "scratch", "size": "16M"}, "provider": provider}
    )
    assert ended.exit_code == 4, ended
    assert found(ended)["rounds"]["count"] == 1
    assert len(ended.trials) == 2


@fact
def a_warm_up_writes_its_span_once_and_is_not_judged(storperf):
    provider, calls = storperf.noting_fio()
    ended = storperf.run_job(
        provider=provider,
        workloads=["_warm_up", {"name": "rr", "rw": "randread", "rate_iops": 500}],
        precondition={"fill": False},
    )
    assert ended.exit_code == 0, ended
    warm_up, measured = ended.trials
    assert (warm_up["end"], warm_up["steadiness"]) == ("completed", "not_judged")
    written = warm_up["facts"]["ends"]["agent-01"]["targets"][0]["bytes"]["write"]
    assert written == 16 << 20
    assert "reads_unwritten" not in measured["flags"]
    judged = {check["step"] for check in ended.json["verdict"]["checks"]}
    assert judged == {"rr-bs4k-qd1-nj1-a1"}
    assert "--loops=1" in calls.read_text()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
