"""SIGKILL of the manager at every stored transition, then `resume`: nothing lost, nothing twice."""

from __future__ import annotations

import math
import os
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest
from system.leftovers import processes_of
from system.test_signals import TRANSITIONS
from system.together import Facts
from tools.fake_fio import calls_of

from storperf.agent.fio_process import start_ticks
from storperf.model.run import Phase
from storperf.store.intervals import read_intervals

fact = Facts()


def calls(path):
    """What fio was started for, in order."""
    words = path.read_text().splitlines()
    real = [each for each in words if "--runtime=" in each or "--name=fill " in each]
    real = [each for each in real if "--parse-only" not in each]
    return [
        "fill" if "--name=fill " in each else each.split("--name=")[1].split()[0] for each in real
    ]


def killed_at(program, transition):
    provider, noted = program.noting_fio()
    job = program.job(
        provider=provider,
        workloads=[
            {"name": "rr", "rw": "randread", "rate_iops": 500},
            {"name": "mix", "rw": "randrw", "rate_iops": "300,300"},
        ],
    )
    killed = program("run", job, "--json", STORPERF_DIE_AT=transition)
    resumed = program("resume", "last", "--json")
    program.assert_nothing_left()
    return program, noted, killed, resumed


@pytest.fixture(scope="module")
def outcomes(at_once):
    return at_once("transition", killed_at)


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_run_goes_on_after_its_manager_was_killed_at(transition, outcomes):
    program, noted, killed, resumed = outcomes[transition].result()
    assert (killed.exit_code, killed.stdout) == (-signal.SIGKILL, "")
    assert resumed.exit_code == 0, resumed
    assert "Traceback" not in resumed.stderr
    document = resumed.json
    assert document["run"]["state"] == "completed"
    assert (document["run"]["verdict"], document["run"]["reason"]) == ("pass", "within_limits")
    assert [trial["end"] for trial in resumed.trials] == ["completed"] * 2
    assert [trial["attempt"] for trial in resumed.trials] == [1, 1]
    assert all(trial["figures"] for trial in resumed.trials)
    # The agent went on by itself: nothing was done twice.
    assert calls(noted) == ["fill", "rr-bs4k-qd1-nj1-a1", "mix-bs4k-qd1-nj1-a1"]
    folder = program.run_folder(document["run"]["id"])
    assert_each_interval_once(folder / "intervals/t001.1.zip", resumed.trials[0], ["read"])
    assert_each_interval_once(folder / "intervals/t002.1.zip", resumed.trials[1], ["read", "write"])
    for name in ("result.json", "report.md", "figures.csv", "junit.xml"):
        assert (folder / name).exists()
    assert len(list((folder / "raw").iterdir())) == 4
    if transition.partition(":")[0] in {Phase.JUDGE, Phase.REPORT, Phase.TEARDOWN}:
        entries = program("baseline", "show", "quick", "--json").json["entries"]
        assert [entry["run"] for entry in entries] == [document["run"]["id"]] * 2
    assert not (program.folder / "scratch").exists()


def assert_each_interval_once(path, trial, ops):
    """Indices of each direction are 0, 1, 2 ..., and they sum up to what fio said in the end."""
    table, _, _ = read_intervals(path)
    names = ["read", "write", "trim"]
    [end] = trial["facts"]["ends"]["agent-01"]["targets"]
    assert {names[op] for op in table.op} == set(ops)
    for op in ops:
        rows = [row for row in range(len(table)) if names[table.op[row]] == op]
        assert [table.index[row] for row in rows] == list(range(len(rows)))
        assert sum(table.ios[row] for row in rows) == end["ios"][op]
        assert sum(table.bytes[row] for row in rows) == end["bytes"][op]
        assert sum(table.duration_s[row] for row in rows) == pytest.approx(
            end["runtime_ms"][op] / 1000, abs=0.01
        )
        for before, after in pairwise(rows):
            # fio stamps a document after it was counted, later on a busy machine.
            assert table.start_s[after] > table.end_s[before] - 0.25


# --- while the agent still works -----------------------------------------------------------------


@fact
def a_trial_that_is_still_running_is_taken_over(storperf):
    provider, noted = storperf.noting_fio()
    job = storperf.job(provider=provider, duration="12s")
    storperf("run", job, STORPERF_DIE_AT="started:acted")
    resumed = storperf("resume", "--json")
    assert resumed.exit_code == 0, resumed
    assert calls(noted) == ["fill", "rr-bs4k-qd1-nj1-a1"]
    [trial] = resumed.trials
    path = storperf.run_folder(resumed.json["run"]["id"]) / "intervals/t001.1.zip"
    assert_each_interval_once(path, trial, ["read"])
    storperf.assert_nothing_left()


@fact
def a_trial_whose_manager_was_killed_still_ends_by_its_rules(storperf):
    until = {"confident": {"half_width": "2%", "at_least": 50}, "at_most": "60s"}
    job = storperf.job(provider=storperf.lying_fio(), duration=None, until=until, interval="250ms")
    running = storperf.start("run", job, "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    # What it has heard by then is heard again, from the journal.
    time.sleep(5)
    running.process.kill()
    running.end()
    resumed = storperf("resume", "--json")
    assert resumed.exit_code == 0, resumed
    [trial] = resumed.trials
    assert (trial["end"], trial["attempt"]) == ("confident", 1)
    assert 12 <= trial["ended_s"] - trial["started_s"] < 50
    storperf.assert_nothing_left()


@fact
def a_fill_that_is_still_running_is_waited_for(storperf):
    provider = storperf.lying_fio(fill_s=8)
    running = storperf.start("run", storperf.job(provider=provider), "--json")
    running.until("filling the target: started")
    time.sleep(0.5)
    running.process.kill()
    running.end()
    resumed = storperf("resume", "--json")
    assert resumed.exit_code == 0, resumed
    starts = [call["argv"] for call in calls_of(Path(provider["fio"])) if call["child"] == 0]
    fills = [argv for argv in starts if "--name=fill" in argv]
    assert len(fills) == 1
    storperf.assert_nothing_left()


# --- what else befalls a run -----------------------------------------------------------------


@fact
def a_run_that_has_ended_is_not_resumed(storperf):
    run = storperf.run_job(provider=storperf.lying_fio()).json["run"]["id"]
    ended = storperf("resume", run)
    assert ended.exit_code == 2, ended
    assert f"run {run} has ended (completed); there is nothing to resume" in ended.stderr


@fact
def a_run_with_a_living_manager_is_not_resumed(storperf):
    running = storperf.start("run", storperf.job(provider=storperf.lying_fio(), duration="30s"))
    running.until("rr-bs4k-qd1-nj1-a1: started")
    ended = storperf("resume")
    assert ended.exit_code == 2, ended
    assert "has a living manager" in ended.stderr
    running.process.send_signal(signal.SIGTERM)
    assert running.end().exit_code == 130
    storperf.assert_nothing_left()


@fact
def a_run_whose_manager_is_dead_is_cancelled_from_here(storperf):
    job = storperf.job(provider=storperf.lying_fio(), duration="30s")
    killed = storperf("run", job, STORPERF_DIE_AT="started:acted")
    assert killed.exit_code == -signal.SIGKILL
    assert processes_of(storperf.top)
    assert (storperf.folder / "scratch").exists()
    time.sleep(1)
    ended = storperf("cancel", "last", "--json")
    assert ended.exit_code == 0, ended
    assert ended.json["state"] == "cancelled"
    storperf.assert_nothing_left()
    shown = storperf("show", "--json")
    assert shown.json["run"]["exit_code"] == 130
    assert [(trial["state"], trial["end"]) for trial in shown.trials] == [("stored", "cancelled")]
    # What the agent measured while nobody listened is kept.
    path = storperf.run_folder(shown.json["run"]["id"]) / "intervals/t001.1.zip"
    assert len(read_intervals(path)[0]) >= 3


@fact
def a_resumed_run_can_be_killed_again(storperf):
    job = storperf.job(provider=storperf.lying_fio(), workloads=["rr", "wr"])
    storperf("run", job, STORPERF_DIE_AT="prepare:acted")
    for transition in ("measure:stored", "ended:stored", "collect:stored", "report:stored"):
        assert storperf("resume", STORPERF_DIE_AT=transition).exit_code == -signal.SIGKILL
    ended = storperf("resume", "--json")
    assert ended.exit_code == 0, ended
    assert [trial["end"] for trial in ended.trials] == ["completed"] * 2
    storperf.assert_nothing_left()


@fact
def a_trial_whose_agent_died_failed_and_the_others_go_on(storperf):
    provider = storperf.lying_fio()
    job = storperf.job(provider=provider, workloads=["rr", "wr"], duration="8s", limits=None)
    running = storperf.start("run", job, "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    until_journalled(storperf, b'"kind":"trial_started","trial":"t001"')
    kill_supervisor(storperf)
    ended = running.end()
    assert ended.exit_code == 4, ended
    assert [trial["end"] for trial in ended.trials] == ["failed", "completed"]
    assert "the agent's process died" in ended.trials[0]["end_reason"]
    assert ended.trials[0]["figures"] == []
    assert ended.trials[1]["figures"]
    assert ended.json["run"]["verdict"] == "inconclusive"
    assert not ended.json["verdict"]["enters_baseline"]
    storperf.assert_nothing_left()


@fact
def a_supervisor_that_dies_with_its_manager_leaves_a_failed_trial(storperf):
    job = storperf.job(provider=storperf.lying_fio(), workloads=["rr", "wr"], duration="2s")
    storperf("run", job, STORPERF_DIE_AT="started:acted")
    kill_supervisor(storperf)
    ended = storperf("resume", "--json")
    assert ended.exit_code == 4, ended
    assert [trial["end"] for trial in ended.trials] == ["failed", "completed"]
    storperf.assert_nothing_left()


@fact
def a_target_that_vanished_is_filled_again_on_resume(storperf):
    provider, noted = storperf.noting_fio()
    job = storperf.job(provider=provider)
    storperf("run", job, STORPERF_DIE_AT="measure:stored")
    kill_supervisor(storperf)
    [target] = (storperf.folder / "scratch").glob("storperf-*/target-0")
    target.unlink()
    ended = storperf("resume", "--json")
    assert ended.exit_code == 0, ended
    assert calls(noted) == ["fill", "fill", "rr-bs4k-qd1-nj1-a1"]
    storperf.assert_nothing_left()


@fact
def a_target_that_is_still_there_is_not_filled_again_after_its_supervisor_died(storperf):
    provider, noted = storperf.noting_fio()
    storperf("run", storperf.job(provider=provider), STORPERF_DIE_AT="measure:stored")
    kill_supervisor(storperf)
    ended = storperf("resume", "--json")
    assert ended.exit_code == 0, ended
    assert calls(noted) == ["fill", "rr-bs4k-qd1-nj1-a1"]
    storperf.assert_nothing_left()


def kill_supervisor(program):
    # The oldest: between fork and exec a child still bears its parent's command line.
    pids = [pid for pid, words in processes_of(program.top).items() if " supervise " in words]
    pid = min(pids, key=lambda each: start_ticks(each) or math.inf)
    os.kill(pid, signal.SIGKILL)
    while pid in processes_of(program.top):
        time.sleep(0.01)


def until_journalled(program, text, timeout_s=60.0, agents=1):
    """Wait until the manager's copies of so many journals hold a record with this in it."""
    give_up_s = time.monotonic() + timeout_s
    while sum(text in path.read_bytes() for path in program.results.rglob("*.journal")) < agents:
        assert time.monotonic() < give_up_s, f"{text!r} was never journalled"
        time.sleep(0.01)


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
