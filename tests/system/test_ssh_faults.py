"""What befalls hosts and managers over real sshd: reboots, full disks, clocks, dead managers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
import uuid

import pytest
from system.leftovers import processes_of
from system.test_lost_agents import TWO, crash, job_that_goes_on, shape
from system.test_resume import until_journalled
from system.test_signals import TRANSITIONS
from system.test_ssh import Hosts, assert_each_interval_once
from system.together import Facts
from tools.stepped_clock import SteppedClock, compiler

from storperf.agent import frames
from storperf.store.intervals import read_intervals

fact = Facts()
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def with_boot_id_of_its_own(folder):
    """What starts a server so that it and its children read another boot_id; its file."""
    folder.mkdir()
    path = folder / "boot_id"
    path.write_text(f"{uuid.uuid4()}\n")
    script = f'mount --bind {path} {BOOT_ID} && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh"), path


def lose_newest(journal):
    """Cut off what was written since the first interval: the disk had not got it yet."""
    reader, kept = frames.FrameReader(), b""
    for kind, record in reader.feed(journal.read_bytes()):
        if record["kind"] == "interval":
            break
        kept += frames.encode(kind, record)
    journal.write_bytes(kept)


@fact
def a_rebooted_host_is_missing_from_its_trial_alone_and_waited_for(storperf):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare for a boot_id of its own")
    inside, boot_id = with_boot_id_of_its_own(storperf.top / "boot")
    with Hosts(storperf, 2, inside=inside) as hosts:
        provider = hosts.provider(on_lost_agent="go_on", patience="60s")
        job = job_that_goes_on(hosts, provider=provider, workloads=TWO)
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval"')
        server = hosts.servers[1]
        crash(server)
        (journal,) = (server.folder / "agent").glob("agent-02/runs/*/journal")
        lose_newest(journal)
        boot_id.write_text(f"{uuid.uuid4()}\n")
        server.start()
        ended = running.end()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("one-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"]),
            ("two-bs4k-qd1-nj1-a2", "completed", False, [], ["agent-01", "agent-02"]),
        ]
        told = ended.trials[0]["facts"]["missing"]["agent-02"]
        assert told["why"] == "the agent's host was rebooted"
        hosts.assert_nothing_left()


def fill_up(path):
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"\0" * 4096):
            pass


def test_a_host_whose_disk_is_full_is_missing_and_the_others_end_in_order(storperf, mounted):
    with Hosts(storperf, 2) as hosts:
        small = mounted("tmpfs", "size=3M,mode=700")
        entries = [hosts.entry(server) for server in hosts.servers]
        entries[1]["folder"] = str(small)
        provider = {"kind": "ssh", "hosts": entries, "on_lost_agent": "go_on", "patience": "2s"}
        job = job_that_goes_on(hosts, provider=provider, duration="5s", interval="100ms")
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval"')
        fill_up(small / "ballast")
        ended = running.end()
        (small / "ballast").unlink()
        assert ended.exit_code == 4, ended
        assert shape(ended) == [
            ("rr-bs4k-qd1-nj1-a2", "completed", True, ["agent-02"], ["agent-01"])
        ]
        told = ended.trials[0]["facts"]["missing"]["agent-02"]
        assert told["why"].startswith("the agent's disk is full")
        assert list((hosts.servers[1].folder / "data").iterdir()) == []


@fact
def a_host_whose_clock_is_off_and_stepped_measures_with_the_others(storperf):
    if compiler() is None:
        pytest.skip("there is no C compiler here")
    clock = SteppedClock(storperf.top / "clock")
    clock.step(90)
    with Hosts(storperf, 2, last={"environment": clock.environment}) as hosts:
        running = storperf.start("run", hosts.job(duration="6s"), "--json")
        until_journalled(storperf, b'"kind":"interval"')
        clock.step(-3600)
        ended = running.end()
        assert ended.exit_code == 0, ended
        (trial,) = ended.trials
        assert trial["facts"]["clocks"]["agent-02"]["applied_s"] == pytest.approx(90, abs=0.5)
        together = trial["facts"]["together"]
        assert together["start_skew_s"] < 1
        assert together["overlap"] > 0.9
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


@fact
def a_manager_that_is_killed_in_every_phase_loses_and_doubles_nothing(storperf):
    with Hosts(storperf, 2) as hosts:
        provider = hosts.provider(fio=storperf.lying_fio()["fio"])
        job = hosts.job(provider=provider, workloads=TWO)
        killed = storperf("run", job, STORPERF_DIE_AT=TRANSITIONS[0])
        assert killed.exit_code == -signal.SIGKILL, killed
        for transition in in_order(TRANSITIONS[1:]):
            killed = storperf("resume", STORPERF_DIE_AT=transition)
            assert killed.exit_code == -signal.SIGKILL, (transition, killed)
        ended = storperf("resume", "--json")
        assert ended.exit_code == 0, ended
        assert [(trial["end"], trial["attempt"]) for trial in ended.trials] == [
            ("completed", 1)
        ] * 2
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


def in_order(transitions):
    """As a run comes by them: its trials lie between the beginning and the end of `measure`."""
    end = transitions.index("measure:acted")
    of_trials = [
        each for each in transitions if each.split(":")[0] in {"started", "ended", "stored"}
    ]
    rest = [each for each in transitions[end:] if each not in of_trials]
    return [*transitions[:end], *of_trials, *rest]


@fact
def a_manager_that_comes_back_after_the_lease_gets_what_was_measured(storperf):
    with Hosts(storperf, 2) as hosts:
        job = hosts.job(provider=hosts.provider(lease="10s"), duration="60s", interval="250ms")
        killed = storperf("run", job, STORPERF_DIE_AT="started:acted")
        assert killed.exit_code == -signal.SIGKILL
        give_up_s = time.monotonic() + 60
        while any(processes_of(server.folder / "agent") for server in hosts.servers):
            assert time.monotonic() < give_up_s
            time.sleep(0.1)
        for server in hosts.servers:
            assert list((server.folder / "data").iterdir()) == []
            assert list((server.folder / "agent").glob("*/runs/*/journal"))
        ended = storperf("resume", "--json")
        assert ended.exit_code == 4, ended
        (trial,) = ended.trials
        assert (trial["end"], trial["attempt"]) == ("failed", 1)
        assert "it was stopped before its end: agent_ended" in trial["end_reason"]
        path = storperf.run_folder(ended.json["run"]["id"]) / "intervals/t001.1.zip"
        table, _, _ = read_intervals(path)
        for number in range(2):
            indices = [
                i for i, agent in zip(table.index, table.agent, strict=True) if agent == number
            ]
            assert indices == list(range(len(indices)))
            assert len(indices) > 20  # of 250 ms each, with nobody listening
        hosts.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
