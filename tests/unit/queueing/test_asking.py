"""What is asked for waits under its run's id, can be moved and taken back while it waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.queueing.entries import TEXT

from storperf.errors import Conflict, JobFileError, UnknownName
from storperf.model.queued import EntryState
from storperf.queueing import asking
from storperf.queueing.entries import entry_of
from storperf.queueing.looking import listed, waits_for
from storperf.service import open_store
from storperf.settings import read_settings


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


def submit(settings, store, **said):
    return asking.submit(settings, store, TEXT, submitted_by="somebody", **said)


def test_what_is_asked_for_waits(settings, store):
    entry = submit(settings, store, title="first")
    assert store.queue_entry(entry.run_id) == entry
    assert entry.state is EntryState.QUEUED
    assert entry.resources == ("host:local",)
    assert asking.resolve(store, "first") == entry
    assert asking.resolve(store, entry.run_id[:-1]) == entry


def test_a_text_that_is_no_job_is_not_queued(settings, store):
    with pytest.raises(JobFileError):
        asking.submit(settings, store, "name: x", submitted_by="somebody")
    assert store.queue_entries() == ()


def test_a_name_that_fits_none_or_several_is_refused(settings, store):
    submit(settings, store, title="twin")
    submit(settings, store, title="twin")
    with pytest.raises(UnknownName, match="fits several entries"):
        asking.resolve(store, "twin")
    with pytest.raises(UnknownName, match="no entry 'other'"):
        asking.resolve(store, "other")


def test_the_higher_priority_is_listed_first_and_the_others_wait_for_it(settings, store):
    first, second = submit(settings, store), submit(settings, store)
    asking.move(store, second.run_id, 3)
    assert [entry.run_id for entry in listed(store)] == [second.run_id, first.run_id]
    assert waits_for(store, first) == (second.run_id,)
    assert waits_for(store, entry_of(store, second.run_id)) == ()


def test_what_waits_is_taken_back_once(settings, store):
    entry = submit(settings, store)
    assert asking.cancel(settings, store, entry.run_id).state is EntryState.CANCELLED
    assert listed(store) == ()
    ended = store.queue_page(limit=9, every=True).entries
    assert [each.run_id for each in ended] == [entry.run_id]
    for again in (
        lambda: asking.cancel(settings, store, entry.run_id),
        lambda: asking.move(store, entry.run_id, 1),
    ):
        with pytest.raises(Conflict):
            again()


@pytest.mark.parametrize("named", ["mine", "id", "beginning"])
def test_cancel_finds_what_waits_by_title_and_by_id(settings, store, named):
    entry, other = submit(settings, store, title="mine"), submit(settings, store, title="other")
    shortest = next(n for n in range(1, 30) if entry.run_id[:n] != other.run_id[:n])
    text = {"mine": "mine", "id": entry.run_id, "beginning": entry.run_id[:shortest]}[named]
    assert asking.cancel_named(settings, store, text) == (entry.run_id, "cancelled")
    assert [each.run_id for each in listed(store)] == [other.run_id]


@pytest.mark.parametrize("text", ["", "nobody", "last"])
def test_cancel_takes_nothing_else_for_what_is_meant(settings, store, text):
    entry = submit(settings, store, title="mine")
    with pytest.raises(UnknownName):
        asking.cancel_named(settings, store, text)
    assert [each.run_id for each in listed(store)] == [entry.run_id]


def test_one_that_has_started_but_is_no_run_yet_is_remembered_as_cancelled(settings, store):
    entry = submit(settings, store)
    store.move_entry(entry.run_id, (EntryState.QUEUED,), EntryState.RUNNING, started_s=1.0)
    kept = asking.cancel(settings, store, entry.run_id)
    assert kept.state is EntryState.RUNNING
    assert kept.facts["cancel"] is True
