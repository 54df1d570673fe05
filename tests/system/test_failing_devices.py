"""Devices that fail, fill up, shrink or go: a reason, the right exit code, nothing left behind.

Real loop devices on files of the tests' own; what happens to the file happens to the device.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from system.leftovers import processes_of

MIB = 1 << 20
STARTED = "rr-bs4k-qd1-nj1-a1: started"


@pytest.fixture
def mkfs():
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("needs mkfs.ext4")


def on_device(device, image, **more):
    return {"device": str(device), "serial": f"loop:{image}", "destroy": True, **more}


def formatted(device, image, **more):
    return on_device(device, image, size="8M", mkfs={"type": "ext4"}, **more)


def mounts_of(program):
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if line.split()[4].startswith(f"{program.top}/home")]


def signatures(device):
    argv = ["wipefs", "--no-act", "--noheadings", "--output", "TYPE", str(device)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def while_it_runs(program, act, *, target, **keys):
    """A run to which `act` happens in its first trial; how it ended."""
    running = program.start("run", program.job(target=target, duration="3s", **keys), "--json")
    running.until(STARTED)
    act()
    ended = running.end()
    assert "Traceback" not in ended.stderr
    assert mounts_of(program) == []
    program.assert_nothing_left()
    return ended


def assert_invalid(ended, words):
    assert ended.exit_code == 4, ended
    verdict = ended.json["verdict"]
    assert (verdict["outcome"], verdict["reason"]) == ("inconclusive", "invalid")
    assert not verdict["enters_baseline"]
    assert ended.trials[0]["end"] == "failed"
    assert words in ended.trials[0]["end_reason"]
    assert not ended.json["run"]["facts"]["left_behind"]


# --- while it is measured -----------------------------------------------------------------------


def test_a_device_that_returns_errors_in_the_middle_fails_the_trial(storperf, loop_device):
    device, image = loop_device()
    target = on_device(device, image)
    ended = while_it_runs(storperf, lambda: os.truncate(image, 8 * MIB), target=target)
    assert_invalid(ended, "Input/output error")


def test_a_device_whose_medium_is_gone_fails_the_trial(storperf, loop_device):
    device, image = loop_device()
    target = on_device(device, image)
    ended = while_it_runs(storperf, lambda: os.truncate(image, 0), target=target)
    assert_invalid(ended, "Input/output error")


def test_a_device_that_shrinks_fails_the_trial_although_fio_sees_no_error(storperf, loop_device):
    device, image = loop_device()

    def shrink():
        os.truncate(image, 8 * MIB)
        subprocess.run(["losetup", "--set-capacity", str(device)], check=True)

    ended = while_it_runs(storperf, shrink, target=on_device(device, image))
    assert_invalid(ended, f"{device} has shrunk: it has {8 * MIB} bytes, and had {32 * MIB}")


def test_a_device_that_shrank_is_not_measured_again(storperf, loop_device):
    device, image = loop_device()

    def shrink():
        os.truncate(image, 8 * MIB)
        subprocess.run(["losetup", "--set-capacity", str(device)], check=True)

    ended = while_it_runs(storperf, shrink, target=on_device(device, image), repeats=2)
    assert_invalid(ended, "has shrunk")
    assert ended.trials[1]["end"] in {None, "failed"}
    assert ended.json["run"]["state"] == "failed"


def test_a_device_that_is_detached_stays_ours_until_the_run_has_ended(storperf, root, tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(bytes(16 * MIB))
    argv = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    detach = ["losetup", "--detach", device]
    ended = while_it_runs(
        storperf,
        lambda: subprocess.run(detach, check=True),
        target=on_device(device, image),
        repeats=2,
    )
    assert ended.exit_code == 0, ended
    assert not (Path("/sys/block") / Path(device).name / "loop").exists()


def test_a_thin_device_without_room_behind_it_cannot_be_filled(storperf, root, mounted):
    pool = mounted("tmpfs", "size=8M")
    image = pool / "disk.img"
    with image.open("wb") as file:
        file.truncate(32 * MIB)
    argv = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    try:
        ended = storperf.run_job(target=on_device(device, image))
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert ended.exit_code == 4, ended
    assert "filling the target failed" in ended.stderr
    assert any(words in ended.stderr for words in ("Input/output error", "No space left"))
    assert [trial["end"] for trial in ended.trials] == [None]
    storperf.assert_nothing_left()


# --- file systems of ours ------------------------------------------------------------------------


def test_a_file_system_is_made_measured_and_gone_afterwards(storperf, loop_device, mkfs):
    device, image = loop_device()
    target = formatted(device, image, mount={"options": ["noatime"]}, nrfiles=2)
    ended = storperf.run_job(target=target)
    assert ended.exit_code == 0, ended
    [found] = ended.json["environment"]["agent-01"]["targets"]
    assert found["file_system"] == "ext4"
    assert {"nosuid", "nodev", "noexec", "noatime"} <= set(found["mount_options"].split(","))
    assert found["device_name"] == device.name
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()
    # As it was before: the same job runs again.
    assert storperf.run_job(target=target).exit_code in {0, 3}


def test_a_run_whose_manager_was_killed_goes_on_in_the_same_file_system(
    storperf, loop_device, mkfs
):
    device, image = loop_device()
    provider, calls = storperf.noting_fio()
    job = storperf.job(target=formatted(device, image), provider=provider, duration="3s")
    running = storperf.start("run", job, "--json")
    running.until(STARTED)
    running.process.kill()
    running.process.wait()
    [point] = mounts_of(storperf)
    assert os.path.ismount(point)
    ended = storperf("resume", "last", "--json")
    assert ended.exit_code == 0, ended
    assert sum(" --name=fill " in line for line in calls.read_text().splitlines()) == 1
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()


def test_a_run_whose_manager_was_killed_is_cancelled_and_nothing_stays_mounted(
    storperf, loop_device, mkfs
):
    device, image = loop_device()
    job = storperf.job(target=formatted(device, image), duration="30s")
    running = storperf.start("run", job, "--json")
    running.until(STARTED)
    running.process.kill()
    running.process.wait()
    cancelled = storperf("cancel", "last")
    assert "ended: cancelled" in cancelled.stdout, cancelled
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()


def test_a_killed_supervisors_file_system_is_given_back_by_the_next(storperf, loop_device, mkfs):
    device, image = loop_device()
    job = storperf.job(target=formatted(device, image), duration="30s")
    storperf("run", job, STORPERF_DIE_AT="started:acted")
    kill_supervisor(storperf)
    assert mounts_of(storperf) != []
    ended = storperf("resume", "last", "--json")
    assert ended.exit_code == 4, ended
    assert ended.trials[0]["end"] == "failed"
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()


def kill_supervisor(program):
    # The oldest: between fork and exec a child still bears its parent's command line.
    pids = [pid for pid, words in processes_of(program.top).items() if " supervise " in words]
    pid = min(pids)
    os.kill(pid, signal.SIGKILL)
    while pid in processes_of(program.top):
        os.sched_yield()


def test_a_cancelled_run_leaves_nothing_mounted(storperf, loop_device, mkfs):
    device, image = loop_device()
    running = storperf.start("run", storperf.job(target=formatted(device, image), duration="30s"))
    running.until(STARTED)
    running.process.terminate()
    assert running.end().exit_code == 130
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()


def test_a_file_system_on_a_device_that_fails_is_unmounted_all_the_same(
    storperf, loop_device, mkfs
):
    device, image = loop_device()

    def lose_the_end():
        os.truncate(image, 1 * MIB)

    ended = while_it_runs(storperf, lose_the_end, target=formatted(device, image))
    assert_invalid(ended, "Input/output error")
    assert signatures(device) == []


def test_a_file_that_does_not_fit_into_the_file_system_is_refused(storperf, loop_device, mkfs):
    device, image = loop_device()
    target = {**formatted(device, image), "size": "30M"}
    ended = storperf.run_job(target=target)
    assert ended.exit_code == 4, ended
    assert "MiB free, the job asks for 30 MiB" in ended.stderr
    assert (mounts_of(storperf), signatures(device)) == ([], [])
    storperf.assert_nothing_left()


def test_a_device_with_a_file_system_of_somebody_else_is_never_formatted(
    storperf, loop_device, mkfs
):
    device, image = loop_device()
    subprocess.run(["mkfs.ext4", "-q", "-L", "mine", str(device)], check=True)
    ended = storperf.run_job(target=formatted(device, image))
    assert ended.exit_code == 2, ended
    assert f"{device} holds ext4" in ended.stderr
    assert signatures(device) == ["ext4"]


# --- the agent's own disk -----------------------------------------------------------------------


def test_an_agent_whose_disk_fills_up_fails_the_trial_and_gives_everything_back(
    storperf, loop_device, mounted, mkfs
):
    device, image = loop_device()
    disk = mounted("tmpfs", "size=4M", where=storperf.top / "agents-disk")
    ballast = disk / "ballast"

    def fill_up():
        room = os.statvfs(disk)
        with pytest.raises(OSError, match="No space"):
            ballast.write_bytes(bytes(room.f_bavail * room.f_frsize + 1))

    storperf.agents = disk / "agents"
    storperf.environment["STORPERF_AGENTS"] = str(storperf.agents)
    ended = while_it_runs(storperf, fill_up, target=formatted(device, image), interval="100ms")
    ballast.unlink()
    assert_invalid(ended, "the agent's disk is full")
    assert (mounts_of(storperf), signatures(device)) == ([], [])
