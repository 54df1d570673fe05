"""A results folder that cannot be written to, or fills up; the same for the agents' folder."""

from __future__ import annotations

import time

import pytest
from system.leftovers import PATIENCE_S, processes_of, scratch_of
from system.together import Facts

fact = Facts()


def assert_refused(program, ended, *words):
    """Exit 4, one sentence, and nothing was started."""
    assert ended.exit_code == 4, ended
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("storperf: ") == 1
    for word in words:
        assert word in ended.stderr
    assert not program.agents.exists()
    assert not (program.folder / "scratch").exists()
    program.assert_nothing_left()


@fact
def results_below_a_file_are_refused(storperf):
    (storperf.folder / "file").write_text("mine")
    for command in (("run", storperf.job()), ("list",), ("show",), ("prune", "--max-size", "0")):
        ended = storperf("--results", "file/results", *command)
        assert_refused(storperf, ended, "file/results", "part of the path is a file")
    ended = storperf("--results", "file", "run", storperf.job())
    assert_refused(storperf, ended, f"{storperf.folder}/file")
    assert (storperf.folder / "file").read_text() == "mine"


@fact
def a_store_that_is_no_store_is_refused_and_stays(storperf):
    storperf.results.mkdir()
    store = storperf.results / "storperf.sqlite3"
    store.write_bytes(b"this is no database at all, but it is long enough" * 100)
    before = store.read_bytes()
    assert_refused(storperf, storperf("run", storperf.job()), str(store), "move it aside")
    assert store.read_bytes() == before


@fact
def agents_below_a_file_end_the_run_with_a_reason(storperf):
    (storperf.folder / "file").write_text("mine")
    agents = f"{storperf.folder}/file/agents"
    ended = storperf("run", storperf.job(), "--json", STORPERF_AGENTS=agents)
    assert ended.exit_code == 4, ended
    assert f"the agent cannot be put into {agents}" in ended.stderr
    assert ended.json["run"]["state"] == "failed"
    assert ended.json["run"]["verdict"] == "inconclusive"
    storperf.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()


def test_results_on_a_read_only_file_system_are_refused(storperf, mounted):
    point = mounted("tmpfs", "ro,size=1M")
    ended = storperf("--results", point / "results", "run", storperf.job())
    assert_refused(storperf, ended, f"{point}/results", "read-only")


def test_results_on_a_full_file_system_are_refused(storperf, mounted):
    point = mounted("tmpfs", "size=64k")
    ended = storperf("--results", point / "results", "run", storperf.job())
    assert_refused(storperf, ended, str(point), "free some space there")


def fill_up(folder):
    """Leave not one byte."""
    with (folder / "ballast").open("wb", buffering=0) as sink:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    sink.write(bytes(size))
            except OSError:
                continue


def test_results_that_fill_up_in_the_middle_end_the_run_and_lose_nothing(storperf, mounted):
    point = mounted("tmpfs", "size=16M")
    storperf.environment["STORPERF_RESULTS"] = str(point / "results")
    storperf.results = point / "results"
    job = storperf.job(provider=storperf.lying_fio(), duration="4s", workloads=["rr", "wr"])
    running = storperf.start("run", job)
    running.until("wr-bs4k-qd1-nj1-a1: started")
    fill_up(point)
    ended = running.end()
    assert ended.exit_code == 4, ended
    assert "Traceback" not in ended.stderr
    assert "no space" in ended.stderr.lower()
    # The host is clean but for the agent's journal, which found no room here.
    assert scratch_of(storperf.folder) == []
    assert no_process_of(storperf.top)
    (point / "ballast").unlink()
    shown = storperf("show", "--json")
    assert shown.json["run"]["verdict"] is None
    assert shown.trials[0]["end"] == "completed"
    assert shown.trials[0]["figures"]
    # With room again the run is brought to its end; half a trial is none.
    again = storperf("resume", "--json")
    assert again.exit_code == 4, again
    assert [trial["end"] for trial in again.trials] == ["completed", "failed"]
    assert "it was stopped before its end: released" in again.trials[1]["end_reason"]
    storperf.assert_nothing_left()
    assert storperf("run", job).exit_code == 0


def test_an_agents_folder_that_fills_up_fails_the_trial(storperf, mounted):
    point = mounted("tmpfs", "size=2M,mode=700")
    storperf.environment["STORPERF_AGENTS"] = str(point / "agents")
    storperf.agents = point / "agents"
    running = storperf.start("run", storperf.job(duration="4s", interval="100ms"), "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    fill_up(point)
    ended = running.end()
    assert ended.exit_code == 4, ended
    [trial] = ended.trials
    assert trial["end"] == "failed"
    assert trial["end_reason"]
    assert trial["figures"] == []
    storperf.assert_nothing_left()


def no_process_of(folder):
    give_up_s = time.monotonic() + PATIENCE_S
    while processes_of(folder) and time.monotonic() < give_up_s:
        time.sleep(0.05)
    return processes_of(folder) == {}
