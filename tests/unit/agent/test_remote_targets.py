"""Targets on servers: one lock for each address, and nothing is left of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storperf.agent.refusal import BUSY, REFUSED, Refusal
from storperf.agent.remote_targets import identity
from storperf.agent.targets import Targets

SIZE = 1 << 20


@pytest.fixture
def make(tmp_path):
    made = []

    def make(run="run-1"):
        held = Targets(run, str(tmp_path / f"{run}.json"), str(tmp_path / "locks"))
        made.append(held)
        return held

    yield make
    for held in made:
        held.release()


def nbd(where="nbd://h/x", **more):
    return {"kind": "nbd", "path": where, "size_bytes": SIZE, "destroy": True, **more}


def rbd(image="ceph:p/i", **more):
    return nbd(image, **{"kind": "rbd", **more})


def refusal_of(held, request):
    with pytest.raises(Refusal) as caught:
        held.prepare([request])
    assert held.taken == []
    return caught.value


@pytest.mark.parametrize("request_of", [nbd, rbd])
def test_nothing_is_made_but_a_lock_which_goes_with_the_run(make, tmp_path, request_of):
    held = make()
    (taken,) = held.prepare([request_of()])
    assert (taken.filenames, taken.size_bytes) == ([], SIZE)
    lock = Path(taken.describe()["lock"])
    assert (lock.parent, lock.read_text()) == (tmp_path / "locks", "run-1")
    assert (lock.stat().st_mode & 0o777, lock.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert held.release() == []
    assert list((tmp_path / "locks").iterdir()) == []


@pytest.mark.parametrize("request_of", [nbd, rbd])
def test_two_runs_exclude_each_other_and_the_holder_is_named(make, request_of):
    first = make("run-1")
    first.prepare([request_of()])
    refusal = refusal_of(make("run-2"), request_of())
    assert (refusal.code, "in use by another run (run-1)" in refusal.message) == (BUSY, True)
    first.release()
    make("run-2").prepare([request_of()])


def test_the_lock_of_a_run_that_died_is_taken_over(make):
    first = make("run-1")
    (taken,) = first.prepare([nbd()])
    os.close(taken.fd)
    first.taken = []
    (again,) = make("run-2").prepare([nbd()])
    assert Path(again.lock).read_text() == "run-2"


def test_a_lock_that_was_removed_in_between_is_made_anew(make, monkeypatch):
    first = make("run-1")
    (taken,) = first.prepare([nbd()])
    opened = []
    real = os.open

    def open_and_release(path, *arguments, **more):
        fd = real(path, *arguments, **more)
        if path == taken.lock and not opened:
            opened.append(fd)
            first.release()  # its holder removes the file that was just opened
        return fd

    monkeypatch.setattr(os, "open", open_and_release)
    (again,) = make("run-2").prepare([nbd()])
    assert Path(again.lock).read_text() == "run-2"
    assert refusal_of(make("run-3"), nbd()).code == BUSY


def test_other_exports_and_images_are_other_targets(make):
    make("run-1").prepare([nbd()])
    for number, request in enumerate([nbd("nbd://h/y"), nbd("nbd://i/x"), rbd(), rbd("ceph:p/j")]):
        make(f"other-{number}").prepare([request])


@pytest.mark.parametrize("request_of", [nbd, rbd])
def test_without_leave_to_destroy_nothing_is_taken(make, request_of):
    assert refusal_of(make(), request_of(destroy=False)).code == REFUSED


def test_a_socket_is_known_by_its_file_and_tls_makes_no_other_export(tmp_path):
    (tmp_path / "my sock").touch()
    (tmp_path / "link").symlink_to("my sock")
    first = identity(nbd(f"nbd+unix:///x?socket={tmp_path}/my%20sock"))
    assert identity(nbd(f"nbds+unix:///x?socket={tmp_path}/link")) == first
    assert identity(nbd(f"nbd+unix:///y?socket={tmp_path}/link")) != first
    assert identity(nbd("nbds://h/x")) == identity(nbd("nbd://h/x"))


def test_a_lock_that_is_a_link_is_not_followed(make, tmp_path):
    held = make()
    (taken,) = held.prepare([nbd()])
    lock = Path(taken.lock)
    held.release()
    (tmp_path / "victim").write_text("data")
    lock.symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic links"):
        make().prepare([nbd()])
    assert (tmp_path / "victim").read_text() == "data"
