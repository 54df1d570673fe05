"""Agents that stay lost, over real sshd: the run ends, or the rest goes on and is marked."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest
from system.leftovers import processes_of
from system.test_resume import until_journalled
from system.test_ssh import Hosts, supervisors
from system.together import Facts

from storperf.store.intervals import read_intervals

fact = Facts()
TWO = [
    {"name": "one", "rw": "randread", "rate_iops": 500},
    {"name": "two", "rw": "randread", "rate_iops": 500},
]


def crash(server):
    """Everything that runs there is gone at once, as when a host loses its power."""
    server.end()
    give_up_s = time.monotonic() + 10
    while left := [pid for pid in processes_of(server.folder) if pid != os.getpid()]:
        assert time.monotonic() < give_up_s, processes_of(server.folder)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def job_that_goes_on(hosts, choice="go_on", **keys):
    provider = hosts.provider(on_lost_agent=choice, patience="2s")
    return hosts.job(**{"provider": provider, "duration": "3s", "limits": None, **keys})


def shape(ended):
    """Of each trial: its step, how it ended, who is missing, who has figures."""
    return [
        (
            step["key"].removesuffix("-bs4k-qd1-nj1"),
            trial["end"],
            "partial" in trial["flags"],
            sorted(trial["facts"].get("missing", {})),
            sorted({figure["agent"] for figure in trial["figures"]} - {"all"}),
        )
        for step in ended.json["steps"]
        for trial in step["trials"]
    ]


def papers(program, ended):
    folder = program.run_folder(ended.json["run"]["id"])
    names = ("report.md", "junit.xml", "report.html", "result.json")
    return {name: (folder / name).read_text() for name in names}


@fact
def the_rest_goes_on_without_a_host_that_never_comes_back_and_every_paper_says_so(storperf):
    with Hosts(storperf, 2) as hosts:
        matrix = {"queue_depth": 1, "agents": [1, 2]}
        job = job_that_goes_on(hosts, workloads=TWO, matrix=matrix)
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval","trial":"t002"')
        crash(hosts.servers[1])
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("one-bs4k-qd1-nj1-a1", "completed", False, [], ["agent-01"]),
            ("one-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
            ("two-bs4k-qd1-nj1-a1", "completed", False, [], ["agent-01"]),
            ("two-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
        ]
        assert_marked(storperf, hosts, ended)


def assert_marked(program, hosts, ended):
    """No pass, no baseline, named everywhere; who cannot be cleaned up is named, too."""
    document = ended.json
    assert (document["run"]["verdict"], document["run"]["reason"]) == ("inconclusive", "invalid")
    assert not document["verdict"]["enters_baseline"]
    for text in papers(program, ended).values():
        assert "agent-02 is missing since 20" in text
    table = " ".join(program("show").stdout.split())
    assert "agent-02 is missing since 20" in table
    assert "agent-02 was lost at 20" in table
    (left,) = document["run"]["facts"]["left_behind"]
    server = hosts.servers[1]
    assert left.startswith("agent-02: ")
    assert f"{server.folder}/agent/agent-02/runs/{document['run']['id']}" in left
    assert f"{server.folder}/data/bench" in left
    lost = document["run"]["facts"]["lost_agents"]["agent-02"]
    partial = document["steps"][1]["trials"][0]
    since_s = partial["facts"]["missing"]["agent-02"]["since_s"]
    assert partial["started_s"] < since_s <= lost["since_s"] < partial["ended_s"]


@fact
def a_run_whose_job_says_fail_ends_with_a_lost_host_and_keeps_what_was_measured(storperf):
    with Hosts(storperf, 2) as hosts:
        running = storperf.start("run", job_that_goes_on(hosts, "fail", workloads=TWO), "--json")
        until_journalled(storperf, b'"kind":"interval"', agents=2)
        crash(hosts.servers[1])
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert [(trial["end"], trial["figures"]) for trial in ended.trials] == [
            ("failed", []),
            (None, []),
        ]
        assert "cannot be reached" in ended.trials[0]["end_reason"]
        path = storperf.run_folder(ended.json["run"]["id"]) / "intervals/t001.1.zip"
        assert set(read_intervals(path)[0].agents) == {"agent-01", "agent-02"}
        assert not ended.json["verdict"]["enters_baseline"]


@fact
def a_killed_agent_is_missing_from_its_trial_alone_when_the_rest_is_to_go_on(storperf):
    with Hosts(storperf, 2) as hosts:
        running = storperf.start("run", job_that_goes_on(hosts, workloads=TWO), "--json")
        until_journalled(storperf, b'"kind":"interval"')
        for pid in supervisors(hosts.servers[1]):
            os.kill(pid, signal.SIGKILL)
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("one-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
            ("two-bs4k-qd1-nj1-a2", "completed", False, [], ["agent-01", "agent-02"]),
        ]
        told = ended.trials[0]["facts"]["missing"]["agent-02"]
        assert told["why"] == "the agent's process died"
        assert ended.json["run"]["facts"].get("lost_agents") is None
        accepted = storperf("baseline", "set", "last", "--why", "by hand")
        assert accepted.exit_code == 2, accepted
        assert "measured only a part of one-bs4k-qd1-nj1-a2" in accepted.stderr
        hosts.assert_nothing_left()


@fact
def a_host_that_is_lost_in_the_fill_is_missing_from_every_trial(storperf):
    with Hosts(storperf, 2) as hosts:
        fio = storperf.lying_fio(fill_s=3)["fio"]
        provider = hosts.provider(on_lost_agent="go_on", patience="1s", fio=fio)
        job = job_that_goes_on(hosts, provider=provider, duration="1s")
        running = storperf.start("run", job, "--json")
        running.until("filling the target: started")
        until_journalled(storperf, b'"kind":"trial_started","trial":"fill"')
        crash(hosts.servers[0])
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("rr-bs4k-qd1-nj1-a2", "completed", True, ["agent-01"], ["agent-02"])
        ]


@fact
def a_trial_that_ends_by_its_rules_does_so_with_the_rest(storperf):
    with Hosts(storperf, 2) as hosts:
        until = {"confident": {"half_width": "10%", "at_least": 50}, "at_most": "10m"}
        job = job_that_goes_on(hosts, duration=None, until=until, interval="100ms")
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval"')
        crash(hosts.servers[1])
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("rr-bs4k-qd1-nj1-a2", "confident", True, ["agent-02"], ["agent-01"])
        ]


@fact
def a_resumed_run_goes_on_without_the_host_that_was_given_up(storperf):
    with Hosts(storperf, 2) as hosts:
        job = job_that_goes_on(hosts, workloads=TWO)
        running = storperf.start("run", job, STORPERF_DIE_AT="stored:stored")
        until_journalled(storperf, b'"kind":"interval"')
        crash(hosts.servers[1])
        assert running.end().exit_code == -signal.SIGKILL
        # By now it could be reached again; but what it holds nobody knows.
        hosts.servers[1].start()
        ended = storperf("resume", "--json")
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("one-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
            ("two-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
        ]
        # At the end it was sought once more.
        assert ended.json["run"]["facts"]["left_behind"] == []
        hosts.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
