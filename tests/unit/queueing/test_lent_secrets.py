"""Secrets that a request lends for one run: who may read them, and when they go."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from storperf.model.queued import EntryState, QueueEntry
from storperf.queueing.lent_secrets import LENT, forget, forget_ended, lend
from storperf.settings import read_settings
from storperf.store.store import Store


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with Store.open(settings.results) as store:
        yield store


def enqueue(store, lent, run_id="r-1"):
    store.enqueue(
        QueueEntry(
            run_id=run_id,
            job_name="x",
            lab="local",
            title=None,
            job_text="",
            resources=(),
            priority=0,
            submitted_by="somebody",
            submitted_s=0.0,
            facts={LENT: lent.name},
        )
    )


def test_a_secret_is_for_its_owner_alone(settings):
    lent = lend(settings, private_key=None, password="hunter2")  # noqa: S106 - a test's own
    assert lent.password_file.read_text() == "hunter2\n"
    assert stat.S_IMODE(lent.password_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(lent.password_file.parent.stat().st_mode) == 0o700
    assert "hunter2" not in repr(lent)


def test_a_secret_lasts_as_long_as_its_run(settings, store):
    lent = lend(settings, private_key="KEY", password=None)
    forget_ended(settings, store)
    assert lent.key.exists(), "its run is not in the queue yet"
    enqueue(store, lent)
    forget_ended(settings, store)
    assert lent.key.exists()
    store.move_entry("r-1", [EntryState.QUEUED], EntryState.CANCELLED)
    forget_ended(settings, store)
    assert not lent.key.exists()


def test_a_secret_that_never_got_a_run_goes_after_an_hour(settings, store):
    lent = lend(settings, private_key="KEY", password=None)
    old_s = time.time() - 4000
    os.utime(lent.key.parent, (old_s, old_s))
    forget_ended(settings, store)
    assert not lent.key.exists()


@pytest.mark.parametrize("name", ["", "..", "../runs", "None", "0" * 31, "/etc"])
def test_nothing_else_is_ever_removed(settings, name):
    kept = lend(settings, private_key="KEY", password=None)
    forget(settings, name)
    assert kept.key.exists()
