"""Trials on an agent: started once, stopped in time, ended with one record whatever fio does."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from pathlib import Path

import pytest
from tools.fake_fio import calls_of, make_fio

from storperf.errors import AgentRefused, InfrastructureError, TargetBusy, TargetRefused

from .conftest import is_alive, trial_command, wait_until


def run_trial(channel, fio, *options, **fields):
    channel.call("start", **trial_command(fio, *options, **fields))
    return channel.wait_for("trial_ended")


def test_a_probe_tells_fio_and_host(host, tmp_path):
    found = host.open().call("probe", fio=str(make_fio(tmp_path / "fio")))
    assert found["fio"]["version"] == "fio-3.33"
    assert "null" in found["fio"]["engines"]
    assert found["host"]["cpus"] >= 1
    missing = host.open(copy="2").call("probe", fio="/no/fio")["fio"]
    assert missing["error"] == "/no/fio: No such file or directory"


def test_a_check_runs_argument_vectors(host, tmp_path):
    good = make_fio(tmp_path / "good")
    bad = make_fio(tmp_path / "bad", "bad_options")
    argvs = [[str(fio), "--rw=read", "--parse-only"] for fio in (good, bad)]
    results = host.open().call("check", argvs=argvs)["results"]
    assert [result["exit_status"] for result in results] == [0, 1]
    assert "failed parsing" in results[1]["output"]


def test_targets_are_prepared_once_and_released_whole(host, scratch, directory_target):
    channel = host.open()
    first = channel.call("prepare", targets=[directory_target])["targets"]
    filename = scratch / "bench" / "storperf-run-1" / "target-0"
    assert first[0]["filename"] == str(filename)
    inode = filename.stat().st_ino
    assert channel.call("prepare", targets=[directory_target])["targets"] == first
    assert filename.stat().st_ino == inode
    with pytest.raises(AgentRefused, match="holds other targets"):
        channel.call("prepare", targets=[{**directory_target, "size_bytes": 4096}])
    assert channel.call("release")["left"] == []
    assert list(scratch.iterdir()) == []
    assert channel.call("release")["left"] == []


def test_a_target_is_inspected_as_often_as_asked_but_not_while_it_is_measured(
    host, tmp_path, scratch, directory_target
):
    channel = host.open()
    channel.call("prepare", targets=[directory_target, {"kind": "null", "size_bytes": 1 << 20}])
    (found, of_null) = channel.call("inspect", samples=8, seed=1)["targets"]
    assert (found["samples"], found["zero_samples"], of_null) == (10, 10, None)
    filename = scratch / "bench" / "storperf-run-1" / "target-0"
    filename.write_bytes(os.urandom(1 << 20))
    (found, _) = channel.call("inspect", samples=8, seed=1)["targets"]
    assert found["zero_samples"] == 0
    assert channel.call("inspect", samples=8, seed=1)["targets"] == [found, None]
    channel.call("start", **trial_command(make_fio(tmp_path / "fio"), runtime_s=5))
    with pytest.raises(AgentRefused, match="a trial is running"):
        channel.call("inspect", samples=8, seed=1)


def test_two_runs_on_one_target_exclude_each_other(host, directory_target):
    host.open("run-1").call("prepare", targets=[directory_target])
    with pytest.raises(TargetBusy, match="in use by another run"):
        host.open("run-2", copy="2").call("prepare", targets=[directory_target])


def test_a_killed_supervisor_gives_its_targets_to_the_next(host, scratch, directory_target):
    channel = host.open()
    channel.call("prepare", targets=[directory_target])
    os.kill(host.supervisors[0], signal.SIGKILL)
    channel.close()
    channel = host.open()
    channel.call("prepare", targets=[directory_target])
    assert channel.call("release")["left"] == []
    assert list(scratch.iterdir()) == []


def test_refusals_come_as_what_they_are(host, directory_target):
    channel = host.open()
    missing = {**directory_target, "path": "/no/such/parent/bench"}
    with pytest.raises(TargetRefused, match="/no/such/parent does not exist"):
        channel.call("prepare", targets=[missing])
    huge = {**directory_target, "size_bytes": 1 << 60}
    with pytest.raises(InfrastructureError, match="MiB free, the job asks for"):
        channel.call("prepare", targets=[huge])


def test_a_known_attempt_is_not_started_again(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    command = trial_command(fio)
    assert channel.call("start", **command)["is_new"] is True
    assert channel.call("start", **command)["is_new"] is False
    channel.wait_for("trial_ended")
    assert channel.call("start", **command)["is_new"] is False
    assert len(calls_of(fio)) == 1
    assert channel.call("start", **trial_command(fio, attempt=2))["is_new"] is True
    channel.wait_for("trial_ended", attempt=2)


def test_one_trial_at_a_time_held_ones_included(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    release_at = channel.call("clock")["epoch_s"] + 60
    channel.call("start", **trial_command(fio, release_at=release_at))
    with pytest.raises(AgentRefused, match="another trial runs"):
        channel.call("start", **trial_command(fio, trial="t2"))


def test_a_trial_is_released_in_time(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    release_at = channel.call("clock")["epoch_s"] + 0.7
    channel.call("start", **trial_command(fio, runtime_s=0.4, release_at=release_at))
    assert 0 <= channel.wait_for("trial_started")["start_s"] - release_at < 0.1
    channel.wait_for("trial_ended", why="")
    assert len(calls_of(fio)) == 1


def test_fio_waits_behind_its_own_start_and_all_its_jobs_go_at_once(host, tmp_path):
    channel = host.open()
    log = tmp_path / "began"
    release_at = channel.call("clock")["epoch_s"] + 1.5
    command = trial_command(
        "fio",
        "--numjobs=3",
        "--thread=1",
        f"--write_lat_log={log}",
        "--log_unix_epoch=1",
        "--rate_iops=500",
        runtime_s=0.5,
        release_at=release_at,
    )
    channel.call("start", **command)
    started = channel.wait_for("trial_started")
    assert 0 <= started["start_s"] - release_at < 0.1
    ended = channel.wait_for("trial_ended", why="")
    assert ended["targets"][0]["exit_status"] == 0
    began = [
        int(path.read_text().split(",")[0]) / 1000 - started["start_s"]
        for path in tmp_path.glob("began_lat.*.log")
    ]
    assert len(began) == 3
    # fio needs 0.16 s to start; what it needs from the gate to its first I/O is far less.
    assert all(-0.01 < each < 0.1 for each in began), began


def test_a_fio_that_fails_behind_its_gate_is_heard_at_once(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "bad_options")
    channel = host.open()
    release_at = channel.call("clock")["epoch_s"] + 60
    channel.call("start", **trial_command(fio, release_at=release_at))
    ended = channel.wait_for("trial_ended")
    assert ended["targets"][0]["exit_status"] == 1


def test_a_held_trial_that_is_stopped_ends_without_io_and_without_fio(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    release_at = channel.call("clock")["epoch_s"] + 60
    channel.call("start", **trial_command(fio, release_at=release_at))
    (call,) = wait_until(lambda: calls_of(fio))
    assert channel.call("stop", trial="t1", attempt=1, why="cancelled")["is_running"] is True
    ended = channel.wait_for("trial_ended")
    assert (ended["why"], ended["targets"]) == ("cancelled", [])
    wait_until(lambda: not is_alive(call["pid"]))
    assert channel.call("stop", trial="t1", attempt=1)["is_running"] is False


def test_a_stop_comes_at_its_time_and_twice_is_once(host, tmp_path):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    channel.call("start", **trial_command(fio, runtime_s=30))
    channel.wait_for("interval")
    at = channel.call("clock")["epoch_s"] + 0.5
    for _ in range(2):
        channel.call("stop", trial="t1", attempt=1, why="steady", at=at)
    channel.call("stop", trial="t1", attempt=1, why="later", at=at + 60)
    ended = channel.wait_for("trial_ended")
    assert ended["why"] == "steady"
    assert 0 <= ended["end_s"] - at < 0.5
    target = ended["targets"][0]
    assert (target["exit_status"], target["stopped"], target["timed_out"]) == (128, True, False)


def test_a_fio_that_cannot_be_started_is_refused_and_ends(host):
    channel = host.open()
    command = trial_command("/no/fio")
    with pytest.raises(AgentRefused, match="fio cannot be started"):
        channel.call("start", **command)
    assert channel.wait_for("trial_ended")["why"].startswith("refused: fio cannot be started")
    assert channel.call("start", **command)["is_new"] is False


def test_raw_output_is_fetched_whole_and_dropped(host, tmp_path):
    channel = host.open()
    fio = make_fio(tmp_path / "fio")
    channel.call("start", **trial_command(fio))
    with pytest.raises(AgentRefused, match="still writes"):
        channel.call("drop_raw", trial="t1", attempt=1)
    channel.wait_for("trial_ended")
    raw = (host.run_folder() / "trials" / "t1.1" / "target-0.json").read_bytes()
    assert b"".join(channel.client.fetch("t1", 1, 0, "json")) == raw != b""
    assert b"".join(channel.client.fetch("t1", 1, 0, "log")) == b""
    assert channel.call("drop_raw", trial="t1", attempt=1)["removed"] is True
    assert channel.call("drop_raw", trial="t1", attempt=1)["removed"] is False


ENDINGS = {
    "dies_midway": {"exit_status": None, "signal": 9, "errors": [0], "broken": ""},
    "crashes": {"exit_status": 1, "documents": 0},
    "rubbish": {"exit_status": 0, "documents": 0},
    "no_io": {"exit_status": 0, "ios": {"read": 0, "write": 0, "trim": 0}},
    "error_in_json": {"exit_status": 1, "errors": [5]},
    "enospc": {"exit_status": 1, "errors": [28]},
    "verify_error": {"exit_status": 1, "errors": [84]},
    "nan": {"exit_status": 0, "documents": 1},
}


@pytest.mark.parametrize("mode", ENDINGS)
def test_what_fio_did_stands_in_the_end(host, tmp_path, mode):
    ended = run_trial(host.open(), make_fio(tmp_path / "fio", mode), runtime_s=0.6)
    (target,) = ended["targets"]
    assert ENDINGS[mode].items() <= target.items()
    assert (target["stopped"], target["timed_out"], ended["why"]) == (False, False, "")
    if mode in ("crashes", "verify_error"):
        assert target["last_lines"] != []
    if mode in ("rubbish", "nan"):
        assert target["rubbish"] > 0


def test_what_fio_leaves_behind_is_killed(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "dies_midway", child=True)
    run_trial(host.open(), fio, runtime_s=0.6)
    wait_until(lambda: not is_alive(calls_of(fio)[0]["child"]))


def test_targets_of_one_trial_end_each_for_itself(host, tmp_path):
    short = trial_command(make_fio(tmp_path / "short", "crashes"))
    command = trial_command(make_fio(tmp_path / "long"))
    command["targets"] = [*short["targets"], {**command["targets"][0], "target": 1}]
    channel = host.open()
    channel.call("start", **command)
    first, second = channel.wait_for("trial_ended")["targets"]
    assert (first["target"], first["exit_status"], first["documents"]) == (0, 1, 0)
    assert (second["target"], second["exit_status"], second["signal"]) == (1, 0, None)
    slices = [record for record in channel.records if record["kind"] == "interval"]
    assert {record["target"] for record in slices} == {1}
    assert [record["index"] for record in slices] == list(range(len(slices)))


def test_a_fio_that_never_ends_is_killed(host, tmp_path):
    fio = make_fio(tmp_path / "fio", "hangs")
    ended = run_trial(host.open(), fio, runtime_s=0.5, deadline_s=0.8)
    (target,) = ended["targets"]
    assert (target["timed_out"], target["signal"]) == (True, signal.SIGKILL)


@pytest.mark.parametrize("flood_to", ["output", "stderr"])
def test_a_fio_that_prints_without_end_is_killed(host, tmp_path, flood_to):
    fio = make_fio(tmp_path / "fio", "fills_output", flood_mb_s=300, flood_to=flood_to, at=0.01)
    (target,) = run_trial(host.open(), fio, runtime_s=30)["targets"]
    assert target["broken"] == "64 MiB came that are no status document"
    assert target["signal"] == signal.SIGKILL


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small tmpfs")
def test_a_full_disk_ends_the_trial_and_is_told(host, tmp_path):
    # The journal lies on a file system of its own, fio's output elsewhere.
    folder = host.run_folder()
    folder.mkdir(parents=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "storperf-test", str(folder)], check=True
    )
    try:
        (tmp_path / "trials").mkdir()
        (folder / "trials").symlink_to(tmp_path / "trials")
        folder.parent.chmod(0o700)
        channel = host.open()
        fio = make_fio(tmp_path / "fio")
        channel.call("start", **trial_command(fio, runtime_s=30))
        channel.wait_for("interval")
        fill_up(folder / "ballast")
        channel.wait_for("journal_full")
        ended = channel.wait_for("trial_ended")
        assert ended["why"] == "journal_full"
        assert [r["n"] for r in channel.records] == list(range(1, ended["n"] + 1))
        (folder / "ballast").unlink()
        channel.call("shutdown")
        wait_until(lambda: not is_alive(host.supervisors[0]))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(path):
    with path.open("wb", buffering=0) as sink:
        try:
            while sink.write(b"\0" * 4096):
                continue
        except OSError:
            return


def test_real_fio_is_measured_slice_by_slice(host, scratch, directory_target):
    channel = host.open()
    (target,) = channel.call("prepare", targets=[directory_target])["targets"]
    options = (f"--filename={target['filename']}", "--ioengine=psync", "--numjobs=2")
    asked = {"interval_s": 0.25, "processes": ["fio"]}
    ended = run_trial(channel, "fio", *options, runtime_s=2, sensors=asked)
    assert ended["targets"][0]["exit_status"] == 0
    slices = [record for record in channel.records if record["kind"] == "interval"]
    assert len(slices) > 5
    assert sum(s["ios"] for s in slices) == ended["targets"][0]["ios"]["read"]
    assert sum(sum(s["bins"][1::2]) for s in slices) == sum(s["ios"] for s in slices)
    for one in slices:
        # fio looks at an I/O's count and at its latency one after the other, while workers go on:
        # where it was kept from its core in between, by some milliseconds of them.
        assert abs(sum(one["bins"][1::2]) - one["ios"]) <= max(8, one["ios"] / 20)
        assert one["start_s"] < one["end_s"] <= ended["end_s"]
    samples = [record for record in channel.records if record["kind"] == "sensors"]
    assert len(samples) == ended["sensors"]["samples"] > 3
    assert all(each["end_s"] - each["start_s"] >= 0.2 * 0.25 for each in samples)
    assert all("cpu.user" in each["figures"] for each in samples)
    assert max(each["figures"].get("cpu.fio", 0) for each in samples) > 0
    assert max(each["figures"].get("process.fio.count", 0) for each in samples) >= 3
    assert "fio" in [each["name"] for each in ended["sensors"]["top"]]


def test_real_fio_leaves_no_worker_when_its_main_process_is_killed(host):
    channel = host.open()
    channel.call("start", **trial_command("fio", "--numjobs=2", "--rate_iops=100", runtime_s=30))
    main = channel.wait_for("trial_started")["pids"][0][0]
    wait_until(lambda: len(children_of(main)) == 2)
    workers = children_of(main)
    os.kill(main, signal.SIGKILL)
    assert channel.wait_for("trial_ended")["targets"][0]["signal"] == signal.SIGKILL
    wait_until(lambda: not any(map(is_alive, workers)))


def children_of(parent):
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rsplit(")", 1)[1].split()[1] == str(parent):
                found.append(int(path.parent.name))
    return found


def test_release_stops_what_runs_and_feeds_the_channel_meanwhile(host, tmp_path, directory_target):
    fio = make_fio(tmp_path / "fio")
    channel = host.open()
    channel.call("prepare", targets=[directory_target])
    channel.call("start", **trial_command(fio, runtime_s=30))
    channel.wait_for("interval")
    assert channel.call("release")["left"] == []
    assert channel.wait_for("trial_ended", timeout_s=1)["why"] == "released"
    select.select((), (), (), 0.1)
    assert not is_alive(calls_of(fio)[0]["pid"])


def test_a_host_is_examined_again_and_again_but_not_while_it_measures(host, tmp_path):
    channel = host.open()
    asked = {"fio": str(make_fio(tmp_path / "fio")), "interval_s": 0.05}
    targets = [{"path": str(tmp_path)}]
    for _ in range(2):
        found = channel.call("examine", targets=targets, **asked)["facts"]
        assert found["fio"]["version"] == "fio-3.33"
        assert found["targets"][0]["kind"] == "directory"
    with pytest.raises(AgentRefused, match="interval_s"):
        channel.call("examine", targets=[], **{**asked, "interval_s": 0})
    channel.call("start", **trial_command(make_fio(tmp_path / "slow"), runtime_s=5))
    with pytest.raises(AgentRefused, match="a trial is running"):
        channel.call("examine", targets=targets, **asked)
