"""A device is called filled only while all that was remembered still fits.  Real loop devices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from storperf.agent import proofs
from storperf.agent.purging import Purges
from storperf.agent.refusal import FAILED, REFUSED, Refusal
from storperf.agent.targets import Targets

SIZE = 4 << 20
HOW = "1 x in blocks of 1048576 bytes"
PLACES = {"samples": 64, "seed": 1}


@pytest.fixture
def image(tmp_path):
    if os.getuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("loop devices need root and losetup")
    image = tmp_path / "image"
    image.write_bytes(bytes(SIZE))
    return image


@pytest.fixture
def device(image):
    argv = ["losetup", "--find", "--show", str(image)]
    path = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    yield path
    subprocess.run(["losetup", "--detach", path], check=True)


@pytest.fixture
def taken(device, tmp_path):
    held = Targets("run-1", str(tmp_path / "created.json"))
    request = {
        "kind": "device",
        "path": device,
        "serial": f"loop:{tmp_path}/image",
        "destroy": True,
        "size_bytes": None,
    }
    (taken,) = held.prepare([request])
    write(device, 0, os.urandom(SIZE))
    yield taken
    held.release()


def write(device, offset, content):
    with Path(device).open("r+b") as file:
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@pytest.fixture
def root(tmp_path, taken):
    """Where the proof that `taken` is filled lies."""
    root = tmp_path / "root"
    root.mkdir()
    proofs.remember(str(root), taken, HOW, PLACES, 1000.0)
    return str(root)


def proof_file(root):
    (path,) = (Path(root) / "filled").iterdir()
    return path


def why_not(root, taken, how=HOW):
    found = proofs.recall(root, taken, how)
    assert not found["is_filled"]
    return found["why"]


def test_a_device_that_nobody_touched_is_filled_still(root, taken):
    assert proofs.recall(root, taken, HOW) == {"is_filled": True, "since_s": 1000.0}
    assert proofs.recall(root, taken, HOW) == {"is_filled": True, "since_s": 1000.0}
    assert proof_file(root).parent.stat().st_mode & 0o077 == 0


def test_reading_changes_nothing(root, taken, device):
    Path(device).read_bytes()
    assert proofs.recall(root, taken, HOW)["is_filled"]


def test_a_single_write_anywhere_ends_it(root, taken, device):
    write(device, 1234 * 512, b"x" * 512)
    assert why_not(root, taken).startswith("written_sectors was")


def test_a_single_discard_anywhere_ends_it(root, taken, device):
    argv = ["blkdiscard", "--force", "--offset", "1M", "--length", "4096", device]
    subprocess.run(argv, check=True)
    assert why_not(root, taken).startswith("discarded_sectors was")


def test_what_changed_behind_the_kernels_back_is_seen_in_the_blocks(root, taken, tmp_path):
    (tmp_path / "image").write_bytes(bytes(SIZE))
    assert why_not(root, taken) == "blocks that were looked at hold something else now"


def test_another_way_of_filling_is_no_proof(root, taken):
    assert why_not(root, taken, "2 x in blocks of 16384 bytes").startswith("how was 1 x")


def test_another_span_is_no_proof(root, taken):
    taken.size_bytes = SIZE // 2
    assert why_not(root, taken).startswith("size_bytes was")


@pytest.mark.parametrize("name", ["boot_id", "diskseq", "serial"])
def test_another_boot_or_device_is_no_proof(root, taken, name):
    path = proof_file(root)
    path.write_text(json.dumps({**json.loads(path.read_text()), name: "other"}))
    assert why_not(root, taken).startswith(f"{name} was other")


def test_a_kernel_that_counts_nothing_proves_nothing(root, taken):
    taken.device = "0:0"
    proofs.remember(root, taken, HOW, PLACES, 1000.0)
    assert why_not(root, taken) == "written_sectors was None, is None"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", '{"samples": 64}', '{"samples": "x", "seed": 1, "sha256": "a"}']
)
def test_a_torn_proof_is_none(root, taken, text):
    proof_file(root).write_text(text)
    assert why_not(root, taken) == "no fill of it is remembered here"


# --- purging ------------------------------------------------------------------------------------


@pytest.fixture
def purges(tmp_path):
    purges = Purges(str(tmp_path / "purge"))
    yield purges
    assert purges.stop() == []


def until_done(purges, *paths):
    while not purges.poll(paths):
        os.sched_yield()


def test_a_purged_device_holds_nothing(taken, device, purges, tmp_path):
    until_done(purges, device)
    assert Path(device).read_bytes() == bytes(SIZE)
    assert (tmp_path / "image").stat().st_blocks == 0


def test_a_device_is_purged_once_however_often_it_is_asked(tmp_path):
    begun = []
    purges = Purges(str(tmp_path / "purge"), lambda path: begun.append(path) or ["true"])
    until_done(purges, "/dev/x")
    assert purges.poll(["/dev/x"])
    assert begun == ["/dev/x"]


def test_nothing_is_purged_where_there_is_no_device(purges):
    assert purges.poll([])


def test_a_purge_that_fails_says_why(tmp_path, purges):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Refusal, match=r"cannot be purged: .*not a block device$") as caught:
        until_done(purges, str(tmp_path / "file"))
    assert caught.value.code == FAILED


def test_without_blkdiscard_nothing_is_purged(tmp_path):
    purges = Purges(str(tmp_path / "purge"), lambda _path: ["/no/blkdiscard"])
    with pytest.raises(Refusal, match="No such file") as caught:
        purges.poll(["/dev/x"])
    assert caught.value.code == FAILED


def test_a_purge_that_is_stopped_is_gone(tmp_path):
    purges = Purges(str(tmp_path / "purge"), lambda _path: ["sleep", "60"])
    assert not purges.poll(["/dev/x"])
    assert purges.stop() == []


def test_one_that_a_killed_supervisor_left_is_ended_before_the_next(tmp_path):
    first, second = (
        Purges(str(tmp_path / "purge"), lambda _path: ["sleep", "60"]) for _ in range(2)
    )
    assert not first.poll(["/dev/x"])
    assert not second.poll(["/dev/x"])
    with pytest.raises(Refusal, match="cannot be purged"):
        until_done(first, "/dev/x")
    assert second.stop() == []


@pytest.fixture
def forgetless(tmp_path):
    """A loop device that takes no discard, because the file system below punches no holes."""
    if os.getuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("loop devices need root and losetup")
    folder = tmp_path / "ramfs"
    folder.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "storperf-test", str(folder)], check=True)
    image = folder / "image"
    image.write_bytes(bytes(SIZE))
    argv = ["losetup", "--find", "--show", str(image)]
    path = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    yield path, image
    subprocess.run(["losetup", "--detach", path], check=True)
    subprocess.run(["umount", str(folder)], check=True)


def test_a_device_that_takes_no_discard_is_refused_before_anything_is_written(forgetless, tmp_path):
    path, image = forgetless
    held = Targets("run-1", str(tmp_path / "created.json"))
    wanted = {"kind": "device", "path": path, "serial": f"loop:{image}", "destroy": True}
    with pytest.raises(Refusal, match="it takes no discard") as caught:
        held.prepare([{**wanted, "purge": True}])
    assert (caught.value.code, held.taken) == (REFUSED, [])
    held.prepare([wanted])
    assert held.release() == []
