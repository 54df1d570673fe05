"""A host that is watched: its sensors, and probes of which no bad one does any harm."""

from __future__ import annotations

import itertools
import os
import signal
import sys

import pytest
from tools.fake_fio import make_fio

from storperf.errors import AgentRefused

from .conftest import is_alive, trial_command, wait_until

PRINTS = [sys.executable, "-c", "print('12 waiting, 3.5 ms')"]


def probe(name="queue", argv=PRINTS, pattern=r"(?P<queue>\d+) waiting, (?P<age>\S+) ms", **more):
    return {
        "name": name,
        "argv": list(argv),
        "pattern": pattern,
        "timeout_s": 5.0,
        "every_s": 0.2,
        **more,
    }


def script(code):
    return [sys.executable, "-c", code]


def watch(channel, *probes, trial="t1", every_s=0.2):
    return channel.call(
        "watch", trial=trial, attempt=1, sensors_every_s=every_s, probes=list(probes)
    )


def of_kind(channel, kind, **fields):
    return [r for r in channel.records if r["kind"] == kind and fields.items() <= r.items()]


def wait_for(channel, kind, count, timeout_s=20.0, **fields):
    def enough():
        channel.listen()
        return len(of_kind(channel, kind, **fields)) >= count

    wait_until(enough, timeout_s)
    return of_kind(channel, kind, **fields)


def test_a_watched_host_samples_sensors_and_probes_until_it_is_told(host):
    channel = host.open()
    assert watch(channel, probe())["is_new"]
    assert not watch(channel, probe())["is_new"]
    samples = wait_for(channel, "sensors", 4)
    (first, *_) = wait_for(channel, "probe", 3)
    assert first["figures"] == {"probe.queue.queue": 12, "probe.queue.age": 3.5}
    assert (first["trial"], first["attempt"]) == ("t1", 1)
    assert 0 < first["end_s"] - first["start_s"] < 5
    assert "cpu.user" in samples[0]["figures"]
    for before, after in itertools.pairwise(samples):
        assert after["start_s"] == pytest.approx(before["end_s"], abs=1e-3)
    assert channel.call("unwatch", trial="other", attempt=1)["was_watched"] is False
    assert channel.call("unwatch", trial="t1", attempt=1)["was_watched"] is True
    assert channel.wait_for("watch_ended")["why"] == "unwatched"
    (ended,) = of_kind(channel, "probe_ended")
    assert (ended["failures"], ended["why"]) == (0, "")
    assert ended["samples"] == len(of_kind(channel, "probe"))
    assert channel.call("unwatch", trial="t1", attempt=1)["was_watched"] is False


def test_another_trials_watch_takes_the_place_of_the_one_before(host):
    channel = host.open()
    watch(channel, trial="t1")
    watch(channel, trial="t2")
    assert channel.wait_for("watch_ended", trial="t1")["why"] == "replaced"
    assert wait_for(channel, "sensors", 1, trial="t2")


def test_a_watch_goes_on_for_a_manager_that_comes_back_and_ends_with_the_run(host):
    channel = host.open()
    watch(channel)
    wait_for(channel, "sensors", 1)
    channel.close()
    again = host.open(copy="again.journal")
    wait_for(again, "sensors", 3)
    assert not watch(again)["is_new"]
    again.call("release")
    assert again.wait_for("watch_ended")["why"] == "released"


def test_a_trials_own_probes_are_sampled_from_its_start_to_its_end(host, tmp_path):
    channel = host.open()
    fio = make_fio(tmp_path / "fio")
    channel.call("start", **trial_command(fio, runtime_s=1.0, probes=[probe()]))
    channel.wait_for("trial_ended")
    kinds = [record["kind"] for record in channel.records if record.get("trial") == "t1"]
    assert kinds.count("probe") >= 2
    assert "probe_ended" in kinds
    assert kinds[-1] == "trial_ended"
    with pytest.raises(AgentRefused, match="malformed"):
        channel.call("start", **trial_command(fio, trial="t2", probes=[{"name": "x"}]))
    channel.call("start", **trial_command(fio, trial="t3"))
    assert channel.wait_for("trial_ended", trial="t3")["why"] == ""


LEAVES_A_DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid(); os.chdir("/")
    open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
    time.sleep(600)
print("1 left")
"""
BAD = {
    "hangs": (script("import time; time.sleep(600)"), "x", "timeout of 0.5 s"),
    "floods": (script("while True: print('x' * 4096)"), "x", "more than 1 MiB"),
    "crashes": (script("import os; os.abort()"), "x", "killed by signal 6"),
    "fails": (script("import sys; sys.exit('no such pool')"), "x", "exit status 1: no such pool"),
    "missing": (["/no/such/program"], "x", "cannot be started"),
    "says_nothing": (script("pass"), r"(?P<a>\d)", "not in its output"),
    "no_number": (script("print('a=many')"), r"a=(?P<a>\w+)", "'a' is no number: 'many'"),
    "stalls": (["echo", "a" * 64], r"(?P<x>(a+)+)b", "hangs, perhaps in its pattern"),
    "bad_pattern": (script("print(1)"), "(?P<x>", "none for the Python"),
}


def test_bad_probes_harm_nothing_and_are_told_once(host, tmp_path):
    pids = tmp_path / "pids"
    bad = [
        probe(name, argv, pattern, timeout_s=0.5 if name in {"hangs", "stalls"} else 20.0)
        for name, (argv, pattern, _) in BAD.items()
    ]
    daemon = probe("daemon", [*script(LEAVES_A_DAEMON), str(pids)], r"(?P<left>\d) left")
    channel = host.open()
    watch(channel, *bad, daemon, probe())
    failed = wait_for(channel, "probe_failed", len(BAD), timeout_s=30)
    for name, (_, _, why) in BAD.items():
        (found,) = [record["why"] for record in failed if record["probe"] == name]
        assert why in found, name
        assert len(found) < 700
    wait_for(channel, "probe", 2, probe="daemon")
    wait_for(channel, "probe", 3, probe="queue")
    samples = wait_for(channel, "sensors", 10)
    assert max(each["end_s"] - each["start_s"] for each in samples) < 10
    channel.call("unwatch", trial="t1", attempt=1)
    channel.wait_for("watch_ended")
    ended = {record["probe"]: record for record in of_kind(channel, "probe_ended")}
    assert ended["hangs"]["failures"] >= 2
    assert ended["hangs"]["skipped"] >= 1
    assert len(of_kind(channel, "probe_failed")) == len(BAD)
    for pid in map(int, pids.read_text().split()):
        assert not is_alive(pid)


def test_a_slow_probe_is_followed_by_no_burst(host):
    channel = host.open()
    slow = script("import time; time.sleep(0.7); print('1 waiting, 2 ms')")
    watch(channel, probe(argv=slow))
    samples = wait_for(channel, "probe", 3)
    assert all(
        after["start_s"] >= before["end_s"] - 0.01 for before, after in itertools.pairwise(samples)
    )
    channel.call("unwatch", trial="t1", attempt=1)
    channel.wait_for("watch_ended")
    (ended,) = of_kind(channel, "probe_ended")
    assert ended["skipped"] >= 2 * ended["samples"]


PLUGIN = """#!/bin/sh
echo "DISK WARNING - 8% left | /=92%;80;95 'inodes used'=5KB;;;0"
exit 1
"""


def test_a_plugins_state_text_and_figures_are_one_sample(host, tmp_path):
    plugin = tmp_path / "check_it"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    channel = host.open()
    watch(channel, probe("disk", [str(plugin)], pattern=None))
    found = wait_for(channel, "probe", 1)[0]
    assert found["figures"] == {
        "probe.disk./": 0.92,
        "probe.disk.inodes used": 5120,
        "probe.disk.status": 1,
    }
    assert (found["status"], found["text"]) == (1, "DISK WARNING - 8% left")


def test_a_command_sees_no_variable_of_the_agents_and_runs_at_a_low_priority(host, monkeypatch):
    monkeypatch.setenv("OS_PASSWORD", "s3cret")
    code = "import os; print(os.nice(0), 'OS_PASSWORD' in os.environ, len(os.environ) < 9)"
    channel = host.open()
    watch(channel, probe(argv=script(code), pattern=r"(?P<nice>\d+) False True"))
    assert wait_for(channel, "probe", 1)[0]["figures"] == {"probe.queue.nice": 10}
    assert b"s3cret" not in channel.copy.path.read_bytes()


def test_a_probe_that_outlives_its_supervisor_keeps_the_next_one_from_nothing(host, tmp_path):
    mark = tmp_path / "pid"
    code = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    channel = host.open()
    watch(channel, probe(argv=script(code), timeout_s=20.0))
    pid = int(wait_until(lambda: mark.exists() and mark.read_text()))
    os.kill(host.supervisors[0], signal.SIGKILL)
    # No lock of the dead one lives on in what it left, which ends with the probe's timeout.
    again = host.open(copy="again.journal")
    assert watch(again)["is_new"]
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
