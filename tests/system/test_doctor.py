"""`storperf doctor` with the real agent, fio and file systems; it leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from .conftest import PROGRAM, Ended


def finding(ended, check):
    (found,) = [each for each in ended.json["findings"] if each["check"] == check]
    return found


def code_of(document):
    """The exit code that the manual promises for these findings."""
    bad = [
        each
        for each in document["findings"]
        if each["level"] == "problem" or (each["level"] == "warning" and each["spoils"])
    ]
    return 3 if bad else 0


@pytest.fixture(autouse=True)
def _nothing_is_left(storperf):
    temporary = storperf.top / "tmp"
    temporary.mkdir()
    storperf.environment["TMPDIR"] = str(temporary)
    before = sorted(storperf.folder.iterdir())
    yield
    storperf.assert_nothing_left()
    assert list(temporary.iterdir()) == []
    assert [path for path in storperf.folder.iterdir() if path.name.startswith(".")] == []
    assert before == []
    assert not storperf.results.exists()
    assert not storperf.agents.exists()


def test_the_working_directory_is_examined_and_nothing_is_made(storperf):
    ended = storperf("doctor", "--json")
    assert ended.json["schema"] == "storperf-doctor/1"
    assert ended.json["targets"] == [str(storperf.folder)]
    assert ended.json["job"] is None
    assert ended.exit_code == ended.json["exit_code"] == code_of(ended.json), ended
    assert ended.json["is_fit"] == (ended.exit_code == 0)
    assert list(storperf.folder.iterdir()) == []


def test_every_finding_says_why_and_what_is_not_ok_has_a_remedy(storperf):
    for found in storperf("doctor", "--json").json["findings"]:
        assert found["why"]
        assert bool(found["remedy"]) == (found["level"] in {"warning", "problem"}), found


def test_a_person_reads_the_same_as_a_program(storperf):
    ended = storperf("doctor")
    for check in ("fio", "O_DIRECT", "governor", "other fio", "credentials"):
        assert check in ended.stdout
    assert ("NOT FIT" in ended.stdout) == (ended.exit_code == 3)
    assert ("FIT to measure here" in ended.stdout) == (ended.exit_code == 0)


def test_a_job_is_looked_at_with_its_own_engine_size_and_place(storperf):
    ended = storperf("doctor", storperf.job(ioengine="psync"), "--json")
    assert ended.json["job"] == "quick"
    assert ended.json["targets"] == [str(storperf.folder / "scratch")]
    assert finding(ended, "ioengine")["found"] == "psync is there"
    assert "16 MiB needed" in finding(ended, "space")["found"]
    assert "it will be made in" in finding(ended, "target")["found"]


def test_no_fio_is_a_problem(storperf):
    job = storperf.job(provider={"fio": "/no/fio"}, allow_unsafe_fio_options=True)
    ended = storperf("doctor", job, "--json")
    assert ended.exit_code == 3, ended
    assert finding(ended, "fio")["level"] == "problem"
    assert "/no/fio" in finding(ended, "fio")["found"]


def test_another_fio_is_in_the_way(storperf):
    argv = ["fio", "--name=other", "--ioengine=null", "--size=1g", "--thinktime=100ms"]
    other = subprocess.Popen(
        [*argv, "--time_based", "--runtime=60"],
        cwd=storperf.top,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ended = storperf("doctor", "--json")
    finally:
        other.terminate()
        other.wait()
    assert ended.exit_code == 3, ended
    assert finding(ended, "other fio")["spoils"]
    assert other.pid in ended.json["facts"]["activity"]["fio_pids"]


def test_a_target_larger_than_its_file_system_is_a_problem(storperf):
    job = storperf.job(target={"directory": "scratch", "size": "900T"})
    ended = storperf("doctor", job, "--json")
    assert ended.exit_code == 3
    assert finding(ended, "space")["level"] == "problem"


def test_a_directory_in_memory_is_a_problem(storperf, mounted):
    ended = storperf("doctor", "--target", mounted("tmpfs", "size=4M"), "--json")
    assert ended.exit_code == 3
    assert "lies in memory" in finding(ended, "O_DIRECT")["found"]


def test_a_read_only_file_system_is_a_problem(storperf, mounted):
    ended = storperf("doctor", "--target", mounted("tmpfs", "ro,size=4M"), "--json")
    assert ended.exit_code == 3
    assert finding(ended, "target")["found"] == "it is mounted read-only"


def test_a_full_file_system_is_a_problem_and_no_crash(storperf, mounted, loop_device):
    device, _ = loop_device(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    point = mounted("ext4", "rw", str(device))
    room = os.statvfs(point)
    with (point / "fill").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
    while os.statvfs(point).f_bavail:
        name = f"rest-{len(list(point.iterdir()))}"
        (point / name).write_bytes(b"x")
    before = sorted(path.name for path in point.iterdir())
    ended = storperf("doctor", "--target", point, "--json")
    assert ended.exit_code == 3, ended
    assert finding(ended, "space")["level"] == "problem"
    assert sorted(path.name for path in point.iterdir()) == before


def test_a_real_file_system_takes_a_block_past_the_cache(storperf, mounted, loop_device):
    device, _ = loop_device(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    point = mounted("ext4", "rw", str(device))
    ended = storperf("doctor", "--target", point, "--json")
    assert finding(ended, "O_DIRECT")["level"] == "ok"
    assert finding(ended, "device")["found"].startswith(device.name)
    assert [path.name for path in point.iterdir()] == ["lost+found"]


def test_a_device_that_holds_something_is_a_problem_and_stays_whole(storperf, loop_device):
    device, image = loop_device(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    before = image.read_bytes()
    target = {"device": str(device), "serial": f"loop:{image}", "destroy": True, "size": "16M"}
    ended = storperf("doctor", storperf.job(target=target), "--json")
    assert ended.exit_code == 3
    assert "ext4" in finding(ended, "target")["found"]
    assert image.read_bytes() == before


def test_an_empty_device_is_a_target(storperf, loop_device):
    device, image = loop_device(32 << 20)
    target = {"device": str(device), "serial": f"loop:{image}", "destroy": True}
    ended = storperf("doctor", storperf.job(target=target), "--json")
    assert finding(ended, "target")["level"] == "ok"
    assert "32 MiB" in finding(ended, "target")["found"]


def test_a_place_that_is_not_there_is_a_problem(storperf):
    ended = storperf("doctor", "--target", "no/such/place", "--json")
    assert ended.exit_code == 3
    assert "neither it nor the directory above it" in finding(ended, "target")["found"]


def test_results_that_cannot_be_written_are_a_problem(storperf, mounted):
    point = mounted("tmpfs", "ro,size=4M")
    ended = storperf("--results", point / "r", "doctor", "--json")
    assert ended.exit_code == 3
    assert finding(ended, "results")["level"] == "problem"


def test_without_any_rights_of_root_all_is_found(storperf, root):
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    done = subprocess.run(
        [*drop, str(PROGRAM), "doctor", "--json"],
        cwd=storperf.folder,
        env=storperf.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ended = Ended(
        argv=("doctor",), exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr
    )
    with_rights = storperf("doctor", "--json")
    assert ended.exit_code in {0, 3}, ended
    checks = [[each["check"] for each in found.json["findings"]] for found in (ended, with_rights)]
    assert checks[0] == checks[1]
    assert finding(ended, "O_DIRECT")["level"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-job.yaml",), "cannot read the job file"),
        (("--no-such-option",), "No such option"),
        (("a.yaml", "b.yaml"), "unexpected extra argument"),
    ],
)
def test_what_is_no_command_is_refused(storperf, arguments, words):
    ended = storperf("doctor", *arguments)
    assert ended.exit_code == 2
    assert words in ended.stderr


def test_a_job_file_that_is_none_is_refused_with_json(storperf):
    ended = storperf("doctor", storperf.job(targte={}), "--json")
    assert ended.exit_code == 2
    assert ended.json["schema"] == "storperf-error/1"


def test_ctrl_c_leaves_nothing(storperf):
    running = storperf.start("doctor")
    give_up_s = time.monotonic() + 20
    while not list((storperf.top / "tmp").iterdir()) and time.monotonic() < give_up_s:
        time.sleep(0.01)
    os.kill(running.process.pid, 2)
    assert running.end().exit_code == 130
