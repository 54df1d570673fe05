"""Targets are taken whole or not at all, never over others' files, and given back as they were."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from pathlib import Path

import pytest

from storperf.agent import targets
from storperf.agent.refusal import BUSY, FAILED, NO_SPACE, REFUSED, Refusal
from storperf.agent.targets import Targets

NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system")
SIZE = 1 << 20


@pytest.fixture
def make(tmp_path):
    made = []

    def make(run="run-1"):
        held = Targets(run, str(tmp_path / f"{run}.json"))
        made.append(held)
        return held

    yield make
    for held in made:
        held.release()


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "storperf-test", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def request(path, **fields):
    return {
        "kind": "directory",
        "path": str(path),
        "size_bytes": SIZE,
        "direct": False,
        **fields,
    }


def refusal_of(held, *requests):
    with pytest.raises(Refusal) as caught:
        held.prepare(list(requests))
    assert held.taken == []
    return caught.value


def test_a_target_is_a_file_of_ours_in_a_folder_of_ours(make, scratch):
    (taken,) = make().prepare([request(scratch)])
    filename = Path(taken.filename)
    assert filename == scratch / "storperf-run-1" / "target-0"
    assert filename.stat().st_size == SIZE
    assert filename.stat().st_blocks * 512 >= SIZE
    assert (filename.stat().st_mode & 0o777, filename.parent.stat().st_mode & 0o777) == (
        *(0o600, 0o700),
    )


def test_preparing_twice_changes_nothing(make, scratch):
    held = make()
    (first,) = held.prepare([request(scratch)])
    Path(first.filename).write_bytes(b"x" * SIZE)
    assert held.prepare([request(scratch)]) == [first]
    assert Path(first.filename).read_bytes()[:1] == b"x"
    assert len(held.take_new_files()) == 1
    assert held.take_new_files() == []


def test_other_targets_are_refused_while_some_are_held(make, scratch):
    held = make()
    held.prepare([request(scratch)])
    with pytest.raises(Refusal, match="holds other targets"):
        held.prepare([request(scratch, size_bytes=1)])
    assert len(held.taken) == 1


def test_release_leaves_nothing_of_ours_and_everything_of_others(make, scratch):
    (scratch / "theirs").write_text("data")
    held = make()
    held.prepare([request(scratch)])
    assert held.release() == []
    assert [path.name for path in scratch.iterdir()] == ["theirs"]
    assert held.release() == []


def test_a_directory_that_we_made_goes_too_unless_others_use_it(make, scratch):
    bench = scratch / "bench"
    held = make()
    held.prepare([request(bench)])
    held.release()
    assert not bench.exists()
    held.prepare([request(bench)])
    (bench / "theirs").write_text("data")
    assert held.release() == []
    assert [path.name for path in bench.iterdir()] == ["theirs"]


def test_what_cannot_be_removed_is_named_and_tried_again(make, scratch):
    held = make()
    (taken,) = held.prepare([request(scratch)])
    stranger = Path(taken.filename).parent / "core"
    stranger.write_text("dumped")
    (left,) = held.release()
    assert left.startswith(str(stranger.parent))
    stranger.unlink()
    assert held.release() == []
    assert list(scratch.iterdir()) == []


def test_a_later_supervisor_removes_what_an_earlier_one_made(make, scratch, tmp_path):
    first = make()
    first.prepare([request(scratch)])
    os.close(first.taken[0].fd)
    first.taken = []
    first._created = []
    assert make().release() == []
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "run-1.json").exists()


def test_a_later_supervisor_goes_on_with_the_same_file(make, scratch):
    first = make()
    (taken,) = first.prepare([request(scratch)])
    inode = Path(taken.filename).stat().st_ino
    os.close(taken.fd)
    first.taken = []
    later = make()
    (again,) = later.prepare([request(scratch)])
    assert Path(again.filename).stat().st_ino == inode
    assert later.take_new_files() == []


def test_a_folder_that_was_only_written_down_is_made(make, scratch, tmp_path):
    folder = scratch / "storperf-run-1"
    (tmp_path / "run-1.json").write_text(json.dumps([str(folder), str(folder / "target-0")]))
    (taken,) = make().prepare([request(scratch)])
    assert Path(taken.filename).stat().st_size == SIZE


def test_a_file_in_our_folder_that_we_did_not_write_down_is_never_touched(make, scratch, tmp_path):
    folder = scratch / "storperf-run-1"
    folder.mkdir()
    (folder / "target-0").write_text("data")
    (tmp_path / "run-1.json").write_text(json.dumps([str(folder)]))
    assert refusal_of(make(), request(scratch)).code == FAILED
    assert (folder / "target-0").read_text() == "data"


def test_a_missing_parent_is_an_error_and_not_made(make, tmp_path):
    refusal = refusal_of(make(), request(tmp_path / "typo" / "bench"))
    assert (refusal.code, "typo does not exist" in refusal.message) == (REFUSED, True)
    assert not (tmp_path / "typo").exists()


def test_a_file_in_the_place_of_the_directory_is_refused(make, tmp_path):
    (tmp_path / "file").write_text("data")
    assert refusal_of(make(), request(tmp_path / "file")).code == REFUSED
    assert refusal_of(make(), request(tmp_path / "file" / "bench")).code == REFUSED
    assert (tmp_path / "file").read_text() == "data"


@pytest.mark.parametrize("what", ["folder", "file", "link to a folder", "dangling link"])
def test_what_stands_in_the_place_of_our_folder_is_never_touched(make, scratch, tmp_path, what):
    place = scratch / "storperf-run-1"
    victim = tmp_path / "victim"
    if what == "folder":
        place.mkdir()
        victim = place / "target-0"
    elif what == "link to a folder":
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / "elsewhere")
        victim = tmp_path / "elsewhere" / "target-0"
    elif what == "dangling link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        victim = place
    victim.write_text("data")
    assert refusal_of(make(), request(scratch)).code == FAILED
    assert victim.read_text() == "data"
    assert os.path.lexists(place)


def test_a_link_in_the_place_of_our_file_is_not_followed(make, scratch, tmp_path):
    first = make()
    (taken,) = first.prepare([request(scratch)])
    os.close(taken.fd)
    first.taken = []
    victim = tmp_path / "victim"
    victim.write_text("data")
    Path(taken.filename).unlink()
    Path(taken.filename).symlink_to(victim)
    assert refusal_of(make(), request(scratch)).code == REFUSED
    assert victim.read_text() == "data"


def test_two_runs_exclude_each_other_also_by_another_path(make, scratch, tmp_path):
    make("run-1").prepare([request(scratch)])
    (tmp_path / "alias").symlink_to(scratch)
    second = make("run-2")
    for path in (scratch, tmp_path / "alias"):
        refusal = refusal_of(second, request(path))
        assert (refusal.code, "storperf-run-1" in refusal.message) == (BUSY, True)
    assert [path.name for path in scratch.iterdir()] == ["storperf-run-1"]


def test_a_released_target_can_be_taken_by_another_run(make, scratch):
    first = make("run-1")
    first.prepare([request(scratch)])
    first.release()
    make("run-2").prepare([request(scratch)])


def test_a_directory_that_another_run_made_meanwhile_is_used_and_not_removed(make, scratch):
    held = make()
    # Both runs found it missing; the other one was quicker.
    (scratch / "bench").mkdir()
    held._make_directory(str(scratch / "bench"))
    held.prepare([request(scratch / "bench")])
    held.release()
    assert (scratch / "bench").is_dir()


def test_two_targets_of_one_run_may_share_a_directory(make, scratch):
    held = make()
    first, second = held.prepare([request(scratch), request(scratch, size_bytes=4096)])
    assert first.filename != second.filename
    assert held.release() == []
    assert list(scratch.iterdir()) == []


def test_targets_are_taken_all_or_none(make, scratch, tmp_path):
    held = make()
    refusal_of(held, request(scratch), request(tmp_path / "no" / "bench"))
    assert list(scratch.iterdir()) == []
    make("run-2").prepare([request(scratch)])


def test_a_malformed_request_leaves_nothing_behind(make, scratch):
    held = make()
    with pytest.raises(KeyError):
        held.prepare([request(scratch), {"kind": "directory"}])
    assert (held.taken, list(scratch.iterdir())) == ([], [])


def test_more_than_there_is_room_for_is_refused_before_it_is_written(make, scratch):
    refusal = refusal_of(make(), request(scratch, size_bytes=1 << 60))
    assert refusal.code == NO_SPACE
    assert f"{scratch} has" in refusal.message
    assert list(scratch.iterdir()) == []


def test_a_disk_that_is_full_after_all_is_no_space(make, scratch, monkeypatch):
    def full(_fd, _offset, _size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert refusal_of(make(), request(scratch)).code == NO_SPACE
    assert list(scratch.iterdir()) == []


@NEEDS_ROOT
def test_a_read_only_file_system_is_refused(make, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    refusal = refusal_of(make(), request(small_disk))
    assert (refusal.code, "Read-only" in refusal.message) == (REFUSED, True)


@NEEDS_ROOT
def test_a_file_system_in_memory_is_refused_unless_direct_is_off(make, small_disk):
    refusal = refusal_of(make(), request(small_disk, direct=True))
    assert (refusal.code, "cannot do O_DIRECT" in refusal.message) == (REFUSED, True)
    assert list(small_disk.iterdir()) == []
    make().prepare([request(small_disk)])


@NEEDS_ROOT
def test_a_full_disk_does_not_hinder_the_release(small_disk, scratch):
    held = Targets("run-1", str(small_disk / "created.json"))
    held.prepare([request(scratch)])
    with (small_disk / "ballast").open("wb") as sink, pytest.raises(OSError, match="No space"):
        sink.write(b"\0" * (8 << 20))
    assert held.release() == []
    assert list(scratch.iterdir()) == []
    assert not (small_disk / "created.json").exists()


def test_a_file_system_that_cannot_do_o_direct_is_refused(make, scratch, monkeypatch):
    def invalid(_fd, _buffers, _offset):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(targets.facts, "file_system", lambda _path: {"file_system": "ext4"})
    monkeypatch.setattr(os, "preadv", invalid)
    assert refusal_of(make(), request(scratch, direct=True)).code == REFUSED
    assert list(scratch.iterdir()) == []


def test_the_null_target_has_no_file(make):
    (taken,) = make().prepare([{"kind": "null", "size_bytes": SIZE}])
    assert taken.describe() == {
        "filename": "",
        "filenames": [],
        "size_bytes": SIZE,
        "device": "",
        "lock": "",
    }
