"""Where I/O goes: what is refused, what is made and removed again, what is never touched."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from system.together import Facts

SIZE = 16 << 20
fact = Facts()


def digest(path):
    with Path(path).open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def assert_refused(program, ended, *words, exit_code=2):
    """Exit code, one sentence on stderr, no verdict, nothing left, fio never measured."""
    assert ended.exit_code == exit_code, ended
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [trial["end"] for trial in ended.trials] == [None]
    if exit_code == 2:
        assert ended.json["verdict"] is None
    else:
        assert ended.json["verdict"]["outcome"] == "inconclusive"
    program.assert_nothing_left()


def into(directory, size="16M"):
    return {"directory": str(directory), "size": size}


# --- directories -----------------------------------------------------------------------------


@fact
def a_missing_directory_is_made_and_removed_again(storperf):
    running = storperf.start("run", storperf.job(provider=storperf.lying_fio()), "--json")
    running.until("rr-bs4k-qd1-nj1-a1: started")
    [scratch] = (storperf.folder / "scratch").iterdir()
    assert scratch.stat().st_mode & 0o777 == 0o700
    assert (scratch / "target-0").stat().st_size == SIZE
    assert running.end().exit_code == 0
    assert not (storperf.folder / "scratch").exists()
    storperf.assert_nothing_left()


@fact
def a_directory_whose_parent_is_missing_is_refused(storperf):
    ended = storperf.run_job(target=into("no/scratch"))
    assert_refused(storperf, ended, f"{storperf.folder}/no does not exist; make it first")
    assert not (storperf.folder / "no").exists()


@fact
def a_file_in_place_of_the_directory_is_refused_and_stays(storperf):
    file = storperf.folder / "scratch"
    file.write_text("mine")
    assert_refused(storperf, storperf.run_job(), f"{file} is not a directory")
    assert file.read_text() == "mine"


@fact
def what_lies_in_the_directory_stays_as_it_is(storperf):
    scratch = storperf.folder / "scratch"
    scratch.mkdir()
    for name in ("target-0", "fio.0.0", "rr-bs4k-qd1-nj1-a1.0.0", "notes ü"):
        (scratch / name).write_text(name)
    before = {path: (path.read_text(), path.stat().st_mtime_ns) for path in scratch.iterdir()}
    ended = storperf.run_job(workloads=[{"name": "wr", "rw": "randwrite", "rate_iops": 300}])
    assert ended.exit_code == 0, ended
    after = {path: (path.read_text(), path.stat().st_mtime_ns) for path in scratch.iterdir()}
    assert after == before
    storperf.assert_nothing_left()


@fact
def a_link_in_place_of_the_directory_is_followed_only_to_a_directory(storperf):
    (storperf.folder / "real").mkdir()
    (storperf.folder / "scratch").symlink_to("real")
    ended = storperf.run_job(provider=storperf.lying_fio())
    assert ended.exit_code == 0, ended
    assert list((storperf.folder / "real").iterdir()) == []
    (storperf.folder / "loose").symlink_to("nowhere")
    assert_refused(storperf, storperf.run_job(target=into("loose")), "loose is not a directory")


@fact
def a_target_larger_than_the_free_space_is_refused_before_anything_is_written(storperf):
    ended = storperf.run_job(target=into("scratch", "500T"))
    assert_refused(storperf, ended, "MiB free, the job asks for 524288000 MiB", exit_code=4)
    assert not (storperf.folder / "scratch").exists()


@fact
def a_target_that_another_run_holds_is_refused_and_the_holder_is_named(storperf):
    provider = storperf.lying_fio()
    first = storperf.start("run", storperf.job(provider=provider, duration="10m"), "--json")
    first.until("rr-bs4k-qd1-nj1-a1: started")
    other = {
        "STORPERF_RESULTS": str(storperf.top / "other-results"),
        "STORPERF_AGENTS": str(storperf.top / "other-agents"),
    }
    job = storperf.job(provider=provider)
    second = storperf("run", job, "--json", **other)
    assert second.exit_code == 4, second
    run = storperf("list", "--json").json["runs"][0]["id"]
    assert f"{storperf.folder}/scratch is in use by another run (storperf-{run})" in second.stderr
    # The same store, the same answer.
    assert storperf("run", job).exit_code == 4
    first.process.terminate()
    assert first.end().exit_code == 130
    assert storperf("run", job, **other).exit_code == 0
    storperf.assert_nothing_left()
    assert list((storperf.top / "other-agents/runs").iterdir()) == []


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()


# --- file systems of the test's own ------------------------------------------------------------


@pytest.fixture
def ext4(mounted, loop_device):
    """A small ext4 on a loop device."""
    device, _ = loop_device(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    return mounted("ext4", "rw", source=str(device))


def test_a_full_file_system_is_refused_and_left_as_it_was(storperf, ext4):
    (ext4 / "data").write_bytes(b"x" * (10 << 20))
    free = os.statvfs(ext4).f_bavail
    ended = storperf.run_job(target=into(ext4 / "scratch", "24M"))
    assert_refused(storperf, ended, "MiB free, the job asks for 24 MiB", exit_code=4)
    assert sorted(path.name for path in ext4.iterdir()) == ["data", "lost+found"]
    assert os.statvfs(ext4).f_bavail == free


def test_a_file_on_ext4_of_a_loop_device_is_measured(storperf, ext4):
    ended = storperf.run_job(target=into(ext4, "8M"))
    assert ended.exit_code == 0, ended
    [target] = ended.json["environment"]["agent-01"]["targets"]
    assert target["file_system"] == "ext4"
    assert target["device_name"].startswith("loop")
    assert [path.name for path in ext4.iterdir()] == ["lost+found"]
    storperf.assert_nothing_left()


def test_a_read_only_file_system_is_refused(storperf, mounted, tmp_path):
    (tmp_path / "inside").mkdir()
    point = mounted("tmpfs", "ro,size=64M")
    ended = storperf.run_job(target=into(point / "scratch"), direct=False)
    assert_refused(storperf, ended, f"cannot make a target at {point}/scratch: Read-only")


def test_memory_is_no_storage_unless_the_job_says_so(storperf, mounted):
    point = mounted("tmpfs", "size=64M")
    ended = storperf.run_job(target=into(point))
    assert_refused(storperf, ended, "cannot do O_DIRECT; the page cache would be measured")
    assert list(point.iterdir()) == []
    cached = storperf.run_job(target=into(point), direct=False)
    assert cached.exit_code == 0, cached
    assert list(point.iterdir()) == []
    storperf.assert_nothing_left()


# --- devices -----------------------------------------------------------------------------------


def on_device(device, image, **more):
    return {"device": str(device), "serial": f"loop:{image}", "destroy": True, **more}


def test_a_loop_device_is_filled_and_measured(storperf, loop_device):
    device, image = loop_device()
    ended = storperf.run_job(target=on_device(device, image, size="16M"))
    assert ended.exit_code == 0, ended
    [target] = ended.json["environment"]["agent-01"]["targets"]
    assert target["filename"] == str(device)
    os.sync()
    content = image.read_bytes()
    assert content[:SIZE].count(b"\0") < SIZE // 100
    assert content[SIZE:] == bytes(len(content) - SIZE)
    storperf.assert_nothing_left()


def test_without_a_size_the_whole_device_is_filled(storperf, loop_device):
    device, image = loop_device(8 << 20)
    ended = storperf.run_job(target=on_device(device, image))
    assert ended.exit_code == 0, ended
    os.sync()
    assert image.read_bytes()[-65536:].count(b"\0") < 6554


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"destroy": False}, "a device needs `destroy: true`"),
        ({"destroy": None}, "a device needs `destroy: true`"),
        ({"serial": None}, "a device needs its `serial`"),
    ],
)
def test_a_device_without_a_word_for_it_is_refused_in_the_job_file(
    storperf, loop_device, target, words
):
    device, image = loop_device()
    wanted = {**on_device(device, image), **target}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    ended = storperf("run", storperf.job(target=wanted))
    assert ended.exit_code == 2, ended
    assert words in ended.stderr
    assert image.read_bytes() == bytes(32 << 20)
    assert not storperf.results.exists()


def test_a_device_with_another_serial_is_refused_untouched(storperf, loop_device):
    device, image = loop_device(content=b"mine" * 1000)
    before = digest(image)
    wanted = {**on_device(device, image), "serial": "loop:/other.img"}
    ended = storperf.run_job(target=wanted)
    assert_refused(storperf, ended, f"{device} is not the device with serial 'loop:/other.img'")
    assert f"it has 'loop:{image}'" in ended.stderr
    assert digest(image) == before


def test_a_device_with_a_file_system_is_refused_untouched(storperf, loop_device):
    device, image = loop_device()
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    os.sync()
    before = digest(image)
    ended = storperf.run_job(target=on_device(device, image))
    assert_refused(storperf, ended, f"{device} holds ext4", f"wipefs --all {device}")
    assert digest(image) == before


def test_a_mounted_device_is_refused_untouched(storperf, loop_device, mounted):
    device, image = loop_device()
    subprocess.run(["mkfs.ext4", "-q", str(device)], check=True)
    point = mounted("ext4", "rw", source=str(device))
    (point / "mine").write_text("mine")
    ended = storperf.run_job(target=on_device(device, image))
    assert_refused(storperf, ended, f"{device} is mounted")
    assert (point / "mine").read_text() == "mine"


def test_a_partitioned_device_is_refused_untouched(storperf, loop_device):
    device, image = loop_device()
    # One Linux partition of 16 MiB from sector 2048 on, written by hand: a DOS label.
    entry = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + (2048).to_bytes(4, "little")
    label = bytes(446) + entry + (32768).to_bytes(4, "little") + bytes(48) + b"\x55\xaa"
    with device.open("r+b") as file:
        file.write(label)
    subprocess.run(["blockdev", "--rereadpt", str(device)], check=False, capture_output=True)
    os.sync()
    before = digest(image)
    ended = storperf.run_job(target=on_device(device, image))
    assert ended.exit_code == 2, ended
    assert f"{device} is partitioned" in ended.stderr or f"{device} holds dos" in ended.stderr
    assert digest(image) == before
    storperf.assert_nothing_left()


def test_a_device_smaller_than_asked_is_refused_untouched(storperf, loop_device):
    device, image = loop_device(8 << 20)
    ended = storperf.run_job(target=on_device(device, image, size="16M"))
    assert_refused(storperf, ended, f"{device} has 8388608 bytes, the job asks for 16777216")
    assert image.read_bytes() == bytes(8 << 20)


def test_a_device_that_another_run_holds_is_refused(storperf, loop_device):
    device, image = loop_device()
    target = on_device(device, image, size="16M")
    first = storperf.start(
        "run", storperf.job(target=target, provider=storperf.lying_fio(), duration="10m")
    )
    first.until("rr-bs4k-qd1-nj1-a1: started")
    second = storperf.run_job(target=target, provider=storperf.lying_fio())
    assert second.exit_code == 4, second
    assert f"{device} is in use" in second.stderr
    first.process.terminate()
    assert first.end().exit_code == 130
    storperf.assert_nothing_left()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/nothing", "/etc/passwd"])
def test_what_is_no_block_device_is_refused(storperf, path):
    ended = storperf.run_job(target={"device": path, "serial": "x", "destroy": True})
    assert ended.exit_code == 2, ended
    assert path in ended.stderr
    storperf.assert_nothing_left()


def test_blocks_that_the_device_cannot_take_are_refused_untouched(storperf, loop_device):
    device, image = loop_device(sector=4096)
    ended = storperf.run_job(
        target=on_device(device, image), matrix={"block_size": [4096, 512], "queue_depth": 1}
    )
    assert ended.exit_code == 2, ended
    assert "step rr-bs512-qd1-nj1-a1 has blocks of 512 bytes" in ended.stderr
    assert "takes multiples of 4096 with O_DIRECT" in ended.stderr
    assert not any(image.read_bytes())


def test_more_in_flight_than_the_device_takes_is_said(storperf, loop_device):
    device, image = loop_device()
    ended = storperf.run_job(target=on_device(device, image), matrix={"queue_depth": [1, 4096]})
    shallow, deep = ended.trials
    assert "queue_bound" not in shallow["flags"]
    assert "queue_bound" in deep["flags"]
    limit = ended.json["environment"]["agent-01"]["targets"][0]["max_queue_depth"]
    assert f"takes {limit} I/Os at once; the others of rr-bs4k-qd4096-nj1-a1" in ended.stderr
