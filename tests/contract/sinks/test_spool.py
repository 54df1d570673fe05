"""What was put into a spool comes out, whatever happened to its process or its disk meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.sinks.test_thinning import second_of

from storperf.errors import Conflict
from storperf.model.job import Graphite
from storperf.sinks.backlog import Backlog, Limits
from storperf.sinks.entries import Fold, Points, count_of
from storperf.sinks.spool import Owner, Spool, is_in_use, owner_of

OWNER = Owner(run="r1", lab="lab", job="a job", graphite=Graphite(web="http://127.0.0.1"))
LIMITS = Limits(size_bytes=1 << 30, age_s=1e9)


def points(count, first=0):
    return [
        Points(fold=Fold.LAST, points=((f"p{n % 7}", float(n), 1_700_000_000 + n),))
        for n in range(first, first + count)
    ]


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_spool(tmp_path, clock):
    made = []

    def make(limits=LIMITS, spool_bytes=1 << 20):
        graphite = replace(OWNER.graphite, spool_bytes=spool_bytes)
        spool = Spool(tmp_path / "r1", replace(OWNER, graphite=graphite))
        made.append((spool, Backlog(spool.arrivals, limits, clock, spool.fresh)))
        return made[-1]

    yield make
    for spool, backlog in made:
        backlog.close(is_all_done=False)
        spool.close(is_removed=False)


def take_all(backlog):
    found = []
    while entries := backlog.next():
        found += entries
        backlog.mark_sent(sum(map(count_of, entries)))
    return found


def test_what_goes_in_comes_out_in_order(open_spool):
    spool, backlog = open_spool()
    given = points(20_000)
    for first in range(0, 20_000, 100):
        spool.put(given[first : first + 100])
    assert take_all(backlog) == given
    assert (spool.offered, backlog.sent, backlog.confirmed) == (20_000, 20_000, 0)
    spool.put(points(1, first=20_000))
    assert take_all(backlog) == points(1, first=20_000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["put", "put many", "take", "again"]), max_size=25))
def test_nothing_is_left_out_or_doubled_however_far_behind_the_reader_is(acts):
    with TemporaryDirectory() as folder:
        graphite = replace(OWNER.graphite, spool_bytes=1 << 16)
        spool = Spool(Path(folder) / "r1", replace(OWNER, graphite=graphite))
        backlog = Backlog(spool.arrivals, LIMITS, Clock(), spool.fresh)
        given, taken = 0, []
        for act in acts:
            if act.startswith("put"):
                count = 30 if act == "put" else 700
                spool.put(points(count, first=given))
                given += count
            elif act == "take":
                taken += backlog.next()
                backlog.mark_sent(0)
            else:
                backlog.rewind()
                taken = []
        assert taken + take_all(backlog) == points(given)
        backlog.close(is_all_done=False)
        spool.close(is_removed=False)


def test_what_was_sent_comes_again_after_a_break_until_it_is_confirmed_and_two_minutes_old(
    open_spool, clock
):
    spool, backlog = open_spool(spool_bytes=1 << 16)
    spool.put(points(3000))
    take_all(backlog)
    backlog.rewind()
    assert take_all(backlog) == points(3000)
    backlog.confirm()
    backlog.rewind()
    # Read by Carbon, but perhaps not yet on its disk.
    assert take_all(backlog) == points(3000)
    backlog.confirm()
    clock.now_s += 121
    spool.put(points(10, first=3000))
    take_all(backlog)
    backlog.rewind()
    again = take_all(backlog)
    assert again[-10:] == points(10, first=3000)
    assert len(again) < 1500
    assert (backlog.sent, backlog.confirmed) == (3010, 3000)


def test_what_is_old_but_not_confirmed_comes_again(open_spool, clock):
    spool, backlog = open_spool(spool_bytes=1 << 16)
    spool.put(points(3000))
    take_all(backlog)
    clock.now_s += 1000
    backlog.rewind()
    assert take_all(backlog) == points(3000)


def test_a_dead_managers_spool_is_read_by_the_next_one(open_spool):
    spool, backlog = open_spool()
    spool.put(points(500))
    backlog.close(is_all_done=False)
    spool.close(is_removed=False)
    spool, backlog = open_spool()
    spool.put(points(10, first=500))
    assert take_all(backlog) == points(510)
    assert (spool.offered, backlog.inherited) == (10, 500)


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_end_costs_the_torn_entry_alone(cut, open_spool):
    spool, backlog = open_spool()
    spool.put(points(100))
    backlog.close(is_all_done=False)
    spool.close(is_removed=False)
    (path,) = spool.folder.glob("*.segment")
    path.write_bytes(path.read_bytes()[:-cut])
    spool, backlog = open_spool()
    spool.put(points(1, first=100))
    assert take_all(backlog) == [*points(99), *points(1, first=100)]


def test_damage_in_the_middle_costs_what_follows_in_its_file_and_is_counted(open_spool):
    spool, backlog = open_spool(spool_bytes=1 << 16)
    for number in range(0, 3000, 10):
        spool.put(points(10, first=number))
    backlog.close(is_all_done=False)
    spool.close(is_removed=False)
    first, *_ = sorted(spool.folder.glob("*.segment"))
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 0xFF
    first.write_bytes(content)
    _, backlog = open_spool()
    found = take_all(backlog)
    assert 1500 < len(found) < 3000
    assert found[-1:] == points(1, first=2999)
    assert backlog.damaged == 1


def test_a_spool_has_one_process_at_a_time(open_spool):
    spool, _ = open_spool()
    assert is_in_use(spool.folder)
    with pytest.raises(Conflict, match="another process"):
        open_spool()
    spool.close(is_removed=False)
    assert not is_in_use(spool.folder)


def test_a_spool_says_whose_it_is(open_spool, tmp_path):
    spool, _ = open_spool()
    assert owner_of(spool.folder) == spool.owner
    assert owner_of(tmp_path / "none") is None


def test_an_emptied_spool_is_removed(open_spool):
    spool, backlog = open_spool()
    spool.put(points(10))
    take_all(backlog)
    spool.close_segment()
    assert backlog.close(is_all_done=True) == 0
    spool.close(is_removed=True)
    assert not spool.folder.exists()


# --- limits ----------------------------------------------------------------------------------


def seconds(count, streams=8):
    return [
        [second_of(1_700_000_000 + second, path=f"s{stream}.read") for stream in range(streams)]
        for second in range(count)
    ]


def test_a_full_spool_thins_the_oldest_seconds_and_counts_them(open_spool, clock):
    size = 3 << 16
    spool, backlog = open_spool(Limits(size_bytes=size, age_s=1e9), spool_bytes=1 << 16)
    assert backlog.next() == []
    for batch in seconds(400):
        spool.put(batch)
        clock.now_s += 1
        backlog._tidy()
    assert sum(path.stat().st_size for path in spool.folder.glob("*.segment")) <= size + (1 << 17)
    found = take_all(backlog)
    lengths = [entry.length_s for entry in found]
    newest = [entry for entry in found if entry.length_s == 1]
    assert {1, 10} == set(lengths)
    assert newest[-1].second == 1_700_000_399
    # Every second of every stream is still there: as itself, or in its ten.
    total = sum(entry.ios for entry in found)
    assert total == 400 * 8 * 100
    assert backlog.dropped == 0
    assert backlog.thinned == spool.offered - backlog.sent > 0
    # Thinned many times, told once.
    assert told(backlog) == [
        "the spool for Graphite is full: the oldest seconds become points of 10 s from now on"
    ]


def told(backlog):
    return [backlog.news.get() for _ in range(backlog.news.qsize())]


def test_a_spool_that_cannot_be_thinned_further_drops_the_oldest_and_counts_them(open_spool, clock):
    spool, backlog = open_spool(Limits(size_bytes=1 << 18, age_s=1e9), spool_bytes=1 << 16)
    for number in range(0, 40_000, 100):
        summary = [replace_fold(each) for each in points(100, first=number)]
        spool.put(summary)
        clock.now_s += 1
        backlog._tidy()
    found = take_all(backlog)
    assert found[-1].points[0][1] == 39_999
    assert backlog.dropped == 40_000 - len(found) > 0
    assert told(backlog) == ["the spool for Graphite is full: the oldest are dropped from now on"]
    assert backlog.thinned == 0


def replace_fold(entry):
    return Points(fold=Fold.NEVER, points=entry.points)


def test_what_is_too_old_is_dropped_and_counted(open_spool, clock):
    spool, backlog = open_spool()
    spool.put(points(100))
    backlog.close(is_all_done=False)
    spool.close(is_removed=False)
    _, backlog = open_spool(Limits(size_bytes=1 << 20, age_s=-1.0))
    assert take_all(backlog) == []
    assert (backlog.inherited, backlog.dropped) == (100, 100)
    (news,) = told(backlog)
    assert "longer than `spool_age`" in news


# --- its disk --------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_leaves_memory(tmp_path, clock):
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "r1", OWNER)
    backlog = Backlog(spool.arrivals, LIMITS, clock, spool.fresh)
    spool.put(points(100))
    assert take_all(backlog) == points(100)
    assert spool.in_memory == 100
    assert "file" in spool.fault
    spool.put(points(7, first=100))
    spool.close_segment()
    # What is in memory alone is lost with its process, and counted.
    assert backlog.close(is_all_done=False) == 7
    spool.close(is_removed=True)
