"""What happens in a run can be read meanwhile, from any number on, also after a kill."""

from __future__ import annotations

import json

import pytest

from storperf.engine.events import Event, EventKind
from storperf.engine.live_feed import FEED_FILE, LiveFeed
from storperf.engine.live_reading import FeedReader


@pytest.fixture
def path(tmp_path):
    return tmp_path / FEED_FILE


def feed(path, epoch=lambda: 1000.0, interval_s=1.0):
    return LiveFeed(path, interval_s, epoch)


def note(text):
    return Event(kind=EventKind.NOTE, run="r", facts={"text": text})


def interval(end_s, agent):
    facts = {"trial": "t001", "step": "rr", "agent": agent, "target": 0, "op": "read"}
    facts |= {"end_s": end_s, "iops": 100.0, "bandwidth": 409600.0, "clat_p99_ns": 5000}
    return Event(kind=EventKind.INTERVAL, run="r", facts=facts)


def read(reader):
    return [(each.number, json.loads(each.text)) for each in reader.read()]


def test_what_is_told_can_be_read_at_once_and_only_once(path):
    reader = FeedReader(path)
    assert read(reader) == []
    with feed(path) as writer:
        writer.listen(note("one"))
        [(number, record)] = read(reader)
        assert number == record["number"] == 1
        assert record == {"number": 1, "at_s": 1000.0, "kind": "note", "text": "one"}
        writer.listen(note("two"))
        assert [record["text"] for _, record in read(reader)] == ["two"]
        assert read(reader) == []


def test_a_reader_begins_after_the_number_it_has(path):
    with feed(path) as writer:
        for text in "abcde":
            writer.listen(note(text))
    assert [number for number, _ in read(FeedReader(path, after=3))] == [4, 5]
    assert read(FeedReader(path, after=99)) == []


def test_a_torn_line_is_not_read_and_a_resumed_run_goes_on_where_the_file_ends(path):
    with feed(path) as writer:
        writer.listen(note("one"))
    with path.open("ab") as file:
        file.write(b'{"number":2,"kind":"no')
    reader = FeedReader(path)
    assert [number for number, _ in read(reader)] == [1]
    with feed(path) as writer:
        writer.listen(note("again"))
    assert [(number, record["text"]) for number, record in read(reader)] == [(2, "again")]
    assert [json.loads(text)["number"] for text in path.read_text().splitlines()] == [1, 2]


def test_intervals_are_told_before_the_end_of_their_trial(path):
    with feed(path) as writer:
        for agent in ("agent-01", "agent-02"):
            writer.listen(interval(1.0, agent))
        facts = {"trial": "t001", "what": "measure"}
        writer.listen(Event(kind=EventKind.TRIAL_ENDED, run="r", facts=facts))
    (_, told), (_, ended) = read(FeedReader(path))
    assert (told["kind"], told["trial"], told["step"]) == ("interval", "t001", "rr")
    assert told["ops"]["read"]["iops"] == 200.0
    assert ended["kind"] == "trial_ended"


def test_a_fill_is_told_once_a_second(path):
    now_s = 0.0
    with feed(path, lambda: now_s) as writer:
        for tenth in range(30):
            now_s = 100 + tenth / 10
            facts = {"trial": "fill", "done_bytes": tenth}
            writer.listen(Event(kind=EventKind.PROGRESS, run="r", facts=facts))
    assert [record["done_bytes"] for _, record in read(FeedReader(path))] == [0, 10, 20]


def test_ten_hours_of_two_hundred_agents_stay_below_20_mb(path):
    # The size is the same for any number of agents; two are quick to make.
    with feed(path) as writer:
        for second in range(36_000):
            for agent in ("agent-01", "agent-200"):
                writer.listen(interval(1.7e9 + second, agent))
    assert 1e6 < path.stat().st_size < 20e6


def test_a_feed_that_cannot_be_written_disturbs_nothing(tmp_path):
    with feed(tmp_path / "missing" / FEED_FILE) as writer:
        writer.listen(note("one"))
        writer.listen(interval(1.0, "agent-01"))
