"""What was never written is told from what was, in real files and on real loop devices."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from storperf.agent import contents
from storperf.agent.refusal import FAILED, Refusal

SIZE = 4 << 20
BLOCK = contents.SAMPLE_BYTES


@pytest.fixture
def target(tmp_path):
    """A file in full, of what `write` is given: data, nothing (allocated only), or a hole."""

    def make(*parts, name="target-0"):
        path = tmp_path / name
        with path.open("wb") as file:
            for part in parts:
                begin = file.tell()
                if part == "data":
                    file.write(os.urandom(SIZE // len(parts)))
                elif part == "zeros":
                    file.write(bytes(SIZE // len(parts)))
                elif part == "allocated":
                    os.posix_fallocate(file.fileno(), begin, SIZE // len(parts))
                file.seek(begin + SIZE // len(parts))
            file.truncate(SIZE)
            os.fsync(file.fileno())
        return str(path)

    return make


def inspect(*filenames, samples=64, seed=1):
    return contents.inspect(filenames, SIZE * len(filenames), samples, seed)


def never_written(found):
    return found["unwritten_bytes"] + found["hole_bytes"]


def test_a_file_that_was_written_holds_no_zeros_and_has_no_part_unwritten(target):
    found = inspect(target("data"))
    assert (found["samples"], found["zero_samples"], found["first_zero"]) == (66, 0, None)
    assert never_written(found) == 0


def test_what_was_only_allocated_was_never_written(target):
    path = target("data", "allocated", "data", "data")
    found = inspect(path)
    assert never_written(found) == SIZE // 4
    assert found["zero_samples"] > 0
    assert found["first_zero"][0] == path
    assert SIZE // 4 <= found["first_zero"][1] < SIZE // 2


def test_a_hole_is_found_wherever_it_is(target):
    for parts in (("hole", "data"), ("data", "hole"), ("data", "hole", "data", "data")):
        found = inspect(target(*parts))
        assert never_written(found) == SIZE // len(parts)


def test_zeros_that_were_written_are_zeros_and_no_hole(target):
    found = inspect(target("data", "zeros"))
    assert never_written(found) == 0
    assert found["zero_samples"] > 0


def test_a_file_of_many_extents_is_read_to_its_end(tmp_path):
    path = tmp_path / "comb"
    with path.open("wb") as file:
        for number in range(1500):  # three calls of FIEMAP
            file.seek(2 * number * BLOCK)
            file.write(b"x" * BLOCK)
        file.truncate(3000 * BLOCK)
        os.fsync(file.fileno())
    found = contents.inspect([str(path)], 3000 * BLOCK, 8, 1)
    assert never_written(found) == 1500 * BLOCK


def test_a_file_system_without_a_map_is_asked_for_its_data(tmp_path):
    memory = "/dev/shm"  # noqa: S108 - a tmpfs, which has no FIEMAP
    if not os.path.ismount(memory):
        pytest.skip("no tmpfs at /dev/shm")
    path = f"{memory}/storperf-test-{os.getpid()}"
    try:
        with open(path, "wb") as file:  # noqa: PTH123 - no Path: this must not be under tmp_path
            file.write(b"x" * BLOCK)
            file.truncate(4 * BLOCK)
        found = contents.inspect([path], 4 * BLOCK, 8, 1)
    finally:
        os.unlink(path)  # noqa: PTH108
    assert (found["map"], found["hole_bytes"]) == ("seek_data", 3 * BLOCK)


def test_each_file_is_looked_at(target):
    first, second = target("data"), target("allocated", name="target-1")
    found = inspect(first, second)
    assert never_written(found) == SIZE
    assert found["first_zero"] == [second, 0]
    assert found["zero_samples"] * 2 == found["samples"]


def test_the_same_seed_looks_at_the_same_places_and_another_at_others():
    assert contents.offsets(SIZE, 64, 1) == contents.offsets(SIZE, 64, 1)
    assert contents.offsets(SIZE, 64, 1) != contents.offsets(SIZE, 64, 2)


@pytest.mark.parametrize("blocks", [0, 1, 2, 3, 66, 67, 68, 1000])
def test_first_and_last_block_are_always_looked_at_and_none_twice(blocks):
    found = contents.offsets(blocks * BLOCK + 100, 64, 7)
    assert found == sorted(set(found))
    assert len(found) == min(blocks, 66)
    if blocks:
        assert (found[0], found[-1]) == (0, (blocks - 1) * BLOCK)


def test_what_changed_has_another_digest(target):
    path = target("data")
    before = inspect(path)["sha256"]
    assert inspect(path)["sha256"] == before
    with open(path, "r+b") as file:  # noqa: PTH123 - the agent's own way
        file.write(b"other")
        os.fsync(file.fileno())
    assert inspect(path)["sha256"] != before


def test_a_target_that_is_shorter_than_it_should_be_is_refused(target):
    path = target("data")
    os.truncate(path, SIZE // 2)
    with pytest.raises(Refusal, match="ends before byte") as caught:
        inspect(path)
    assert caught.value.code == FAILED


def test_a_link_in_the_place_of_the_file_is_not_followed(target, tmp_path):
    (tmp_path / "link").symlink_to(target("data"))
    with pytest.raises(Refusal, match="link"):
        inspect(str(tmp_path / "link"))


def test_a_device_is_read_around_the_page_cache(tmp_path):
    if os.getuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("loop devices need root and losetup")
    image = tmp_path / "image"
    image.write_bytes(os.urandom(SIZE // 2) + bytes(SIZE // 2))
    argv = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    try:
        found = inspect(device)
        assert found["map"] == "none"
        assert found["unwritten_bytes"] is None
        assert found["first_zero"][1] >= SIZE // 2
        assert 0 < found["zero_samples"] < found["samples"]
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
