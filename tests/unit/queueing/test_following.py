"""Looking on ends when the run has, with all that was written before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contract.store.store_values import a_plan, a_run
from unit.queueing.entries import entry

from storperf.engine.events import Event, EventKind
from storperf.engine.live_feed import FEED_FILE, LiveFeed
from storperf.engine.ownership import owning
from storperf.errors import ExitCode, UnknownName
from storperf.model.queued import EntryState
from storperf.model.run import RunState
from storperf.queueing.following import follow
from storperf.service import open_store
from storperf.settings import read_settings


@pytest.fixture
def store(tmp_path):
    with open_store(read_settings({"HOME": str(tmp_path)}, Path(tmp_path))) as store:
        yield store


def end(store, run_id):
    store.end_run(
        run_id,
        state=RunState.COMPLETED,
        exit_code=ExitCode.PASS,
        verdict=None,
        reason=None,
        ended_s=2.0,
    )


def texts(batches):
    return [json.loads(record.text)["text"] for batch in batches for record in batch]


def note(text):
    return Event(kind=EventKind.NOTE, run="r", facts={"text": text})


def test_all_of_a_run_is_told_from_the_queue_to_its_end(store):
    store.enqueue(entry("r"))
    folder = store.artefacts("r")
    steps = iter(range(1000))

    def script():
        """What the run's process does while somebody looks on, a step at each wait."""
        yield
        store.create_run(a_run("r"), a_plan())
        with owning("r", folder), LiveFeed(folder / FEED_FILE, 1.0, lambda: 1.0) as feed:
            feed.listen(note("begun"))
            yield
            end(store, "r")
            # Its manager has stored the end and is about to tell it.
            for _ in range(8):
                yield
            feed.listen(note("ended"))
        while True:
            yield

    act = script()

    def wait(_seconds):
        next(act)
        return next(steps) > 100

    assert texts(follow(store, "r", after=0, wait=wait)) == ["begun", "ended"]
    assert next(steps) < 100


def test_one_that_has_ended_gives_what_there_is_after_a_number(store):
    store.create_run(a_run("r"), a_plan())
    with LiveFeed(store.artefacts("r") / FEED_FILE, 1.0, lambda: 1.0) as feed:
        for text in ("one", "two", "three"):
            feed.listen(note(text))
    end(store, "r")
    assert texts(follow(store, "r", after=1, wait=lambda _: True)) == ["two", "three"]
    store.prune(older_than_s=1.0, now_s=100.0)
    assert texts(follow(store, "r", after=0, wait=lambda _: True)) == []


def test_one_that_is_taken_back_ends_and_one_that_nobody_knows_is_refused(store):
    store.enqueue(entry("r"))

    def wait(_seconds):
        store.move_entry("r", (EntryState.QUEUED,), EntryState.CANCELLED)
        return False

    assert texts(follow(store, "r", after=0, wait=wait)) == []
    with pytest.raises(UnknownName):
        next(follow(store, "other", after=0, wait=wait))
