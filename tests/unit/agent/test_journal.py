"""The journal numbers what happened, survives a torn end, and never holds half a record."""

from __future__ import annotations

import errno
import resource
import signal
from pathlib import Path

import pytest

from storperf.agent import frames
from storperf.agent.journal import Journal, JournalFollower
from storperf.errors import AgentLost, StoreError
from storperf.remote.journal_copy import JournalCopy


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "journal")


def write(path, *kinds):
    journal = Journal(path)
    for kind in kinds:
        journal.append({"kind": kind})
    journal.close()


def read(path, after=0):
    follower = JournalFollower(path, after)
    content = follower.read(1 << 20)
    follower.close()
    return [message for _, message in frames.FrameReader().feed(content)]


def test_records_are_numbered_from_one_on(path):
    write(path, "a", "b", "c")
    assert read(path) == [{"n": n, "kind": kind} for n, kind in enumerate("abc", 1)]


def test_numbers_go_on_behind_what_is_there(path):
    write(path, "a")
    write(path, "b")
    assert [record["n"] for record in read(path)] == [1, 2]


def test_a_torn_end_is_cut_off_and_its_number_given_again(path):
    write(path, "a", "b")
    whole = Path(path).read_bytes()
    for cut in range(1, 20):
        Path(path).write_bytes(whole[:-cut])
        journal = Journal(path)
        assert (journal.last, journal.was_damaged) == (1, False)
        journal.append({"kind": "c"})
        journal.close()
        assert [record["kind"] for record in read(path)] == ["a", "c"]


def test_damage_in_the_middle_is_told_and_what_stands_before_it_kept(path):
    write(path, "a", "b", "c")
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    journal = Journal(path)
    assert (journal.last, journal.was_damaged) == (1, True)
    journal.append({"kind": "d"})
    journal.close()
    assert [record["kind"] for record in read(path)] == ["a", "d"]


def test_recovery_keeps_all_but_the_figures(path):
    write(path, "agent_started", "trial_started", "interval", "sensors", "trial_ended")
    journal = Journal(path)
    kinds = [record["kind"] for record in journal.recovered]
    journal.close()
    assert kinds == ["agent_started", "trial_started", "trial_ended"]


def test_a_follower_gives_what_stands_behind_a_number_and_then_what_comes(path):
    journal = Journal(path)
    for kind in "abc":
        journal.append({"kind": kind})
    follower = JournalFollower(path, 1)
    reader = frames.FrameReader()

    def news():
        return [message["kind"] for _, message in reader.feed(follower.read(1 << 20))]

    assert news() == ["b", "c"]
    assert news() == []
    assert follower.is_at_end
    journal.append({"kind": "d"})
    assert news() == ["d"]
    follower.close()
    journal.close()


def test_a_follower_far_behind_reads_piece_by_piece(path):
    journal = Journal(path)
    for _ in range(40):
        journal.append({"kind": "interval", "text": "x" * 50_000})
    follower = JournalFollower(path, 30)
    reader, found, pieces = frames.FrameReader(), [], 0
    while not follower.is_at_end:
        found += [message["n"] for _, message in reader.feed(follower.read(1 << 19))]
        pieces += 1
    assert found == list(range(31, 41))
    assert pieces >= 4
    follower.close()
    journal.close()


@pytest.fixture
def no_room_behind():
    """Limits how large a file may grow, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 1, 13, 40])
def test_a_full_disk_leaves_no_half_record(path, no_room_behind, room):
    write(path, "a")
    size = Path(path).stat().st_size
    journal = Journal(path)
    no_room_behind(size + room)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        journal.append({"kind": "b", "text": "x" * 100})
    assert caught.value.errno in (errno.EFBIG, errno.ENOSPC)
    no_room_behind(1 << 20)
    journal.append({"kind": "c"})
    journal.close()
    assert read(path) == [{"n": 1, "kind": "a"}, {"n": 2, "kind": "c"}]


def test_a_copy_keeps_a_record_as_it_came(tmp_path):
    copy = JournalCopy(tmp_path / "copy")
    copy.take({"n": 1, "kind": "a"}, b'{ "n": 1, "kind": "a" }')
    copy.close()
    assert b'{ "n": 1, "kind": "a" }' in (tmp_path / "copy").read_bytes()
    again = JournalCopy(tmp_path / "copy")
    assert list(again.records()) == [{"n": 1, "kind": "a"}]
    again.close()


def test_a_copy_takes_each_record_once_and_in_order(tmp_path):
    copy = JournalCopy(tmp_path / "copy")
    assert copy.take({"n": 1, "kind": "a", "trial": "t", "attempt": 1}) is True
    assert copy.take({"n": 1, "kind": "a"}) is False
    with pytest.raises(AgentLost, match="2 to 2 are missing"):
        copy.take({"n": 3, "kind": "c"})
    assert copy.take({"n": 2, "kind": "b"}) is True
    copy.close()
    again = JournalCopy(tmp_path / "copy")
    assert again.last == 2
    assert [record["kind"] for record in again.since("t", 1)] == ["a", "b"]
    assert list(again.since("t", 2)) == []
    again.close()


def test_a_torn_copy_goes_on_behind_its_last_whole_record(tmp_path):
    path = tmp_path / "copy"
    copy = JournalCopy(path)
    for number in (1, 2):
        copy.take({"n": number, "kind": "a", "trial": "t", "attempt": number})
    copy.close()
    path.write_bytes(path.read_bytes()[:-3])
    copy = JournalCopy(path)
    assert copy.last == 1
    copy.take({"n": 2, "kind": "b", "trial": "t", "attempt": 2})
    assert [record["kind"] for record in copy.since("t", 2)] == ["b"]
    copy.close()


def test_a_copy_that_cannot_be_written_is_a_fault_of_the_store(tmp_path):
    with pytest.raises(StoreError, match="cannot write"):
        JournalCopy(tmp_path / "no" / "folder")
