"""Processes that die before their run has begun are started again three times, not for ever."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from unit.queueing.entries import TEXT

from storperf.model.queued import EntryState
from storperf.queueing import asking
from storperf.queueing.children import LOG, start_child
from storperf.queueing.dispatcher import Dispatcher, dispatching
from storperf.queueing.locks import has_child, take_child_lock
from storperf.service import open_store
from storperf.settings import read_settings

_PATIENCE_S = 60.0


@pytest.fixture
def settings(tmp_path):
    # A Python that finds nothing of its own dies at once.
    return read_settings({"HOME": str(tmp_path), "PYTHONHOME": str(tmp_path)}, Path(tmp_path))


def until_it_ended(store, run_id):
    give_up_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up_s:
        entry = store.queue_entry(run_id)
        if entry.state not in {EntryState.QUEUED, EntryState.RUNNING}:
            return entry
        threading.Event().wait(0.01)
    return pytest.fail("the entry never ended")


def test_a_process_that_always_dies_is_given_up_with_its_last_words(settings):
    with open_store(settings) as store, dispatching(settings, store, at_once=1) as dispatcher:
        entry = asking.submit(settings, store, TEXT, submitted_by="somebody")
        dispatcher.wake()
        ended = until_it_ended(store, entry.run_id)
        said = (store.artefacts(entry.run_id) / LOG).read_text()
    assert ended.state is EntryState.REFUSED
    assert ended.reason.startswith("its process died 3 times before the run began: ")
    assert said.count("Fatal Python error") == 3
    assert said.strip().splitlines()[-1] in ended.reason


def test_a_store_that_is_away_is_told_once_and_its_return_too(settings, caplog):
    def rename(old, new):
        with closing(sqlite3.connect(settings.results / "storperf.sqlite3", 60.0)) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def until_told(words, times):
        give_up_s = time.monotonic() + _PATIENCE_S
        while sum(words in each for each in caplog.messages) < times:
            assert time.monotonic() < give_up_s, caplog.messages
            dispatcher.wake()
            threading.Event().wait(0.01)

    with open_store(settings) as store, dispatching(settings, store, at_once=1) as dispatcher:
        for number in (1, 2):
            rename("queue", "away")
            until_told("the queue stands still", number)
            for _ in range(20):
                dispatcher.wake()
                threading.Event().wait(0.01)
            rename("away", "queue")
            until_told("the queue goes on", number)
    assert sum("stands still" in each for each in caplog.messages) == 2


def test_a_child_holds_the_lock_for_as_long_as_it_lives(settings):
    with open_store(settings) as store:
        folder = store.artefacts("nobody-asked-for-this")
    lock_fd = take_child_lock(folder)
    child = start_child(settings, "nobody-asked-for-this", folder, lock_fd)
    os.close(lock_fd)
    words = Path(f"/proc/{child.process.pid}/cmdline")
    while has_child(folder):
        threading.Event().wait(0.001)
    # A process that ends lets go of its memory, then of its files, and is gone a moment later.
    assert words.read_bytes() == b""
    child.process.wait(_PATIENCE_S)
    assert not has_child(folder)
    child.forget()


def test_one_that_was_cancelled_before_its_process_lived_is_not_started(settings):
    with open_store(settings) as store:
        made = asking.submit(settings, store, TEXT, submitted_by="somebody")
        store.move_entry(made.run_id, (EntryState.QUEUED,), EntryState.RUNNING, started_s=1.0)
        assert asking.cancel(settings, store, made.run_id).state is EntryState.RUNNING
        dispatcher = Dispatcher(settings, store, at_once=1)
        dispatcher.look()
        dispatcher.close()
        assert store.queue_entry(made.run_id).state is EntryState.CANCELLED
        assert not (store.artefacts(made.run_id) / LOG).exists()
