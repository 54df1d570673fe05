"""Schedules fire once, also when no server was there, and wait for nobody for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from unit.queueing.entries import TEXT

from storperf.errors import Conflict, UnknownName
from storperf.model.queued import EntryState, Schedule
from storperf.queueing.asking import parse_trusted
from storperf.queueing.dispatcher import Dispatcher
from storperf.queueing.scheduling import add_schedule, enable, fire_due
from storperf.queueing.times import Rule, parse_clock, parse_rule
from storperf.service import open_store
from storperf.settings import read_settings

NIGHT = ("22:00", "06:00")


@pytest.fixture
def settings(tmp_path):
    return read_settings({"HOME": str(tmp_path)}, Path(tmp_path))


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def kept(store, due, **rule):
    """A schedule at 02:30 that is due then."""
    made = Schedule(
        name="nightly",
        job_text=TEXT,
        rule={"at": "02:30", "zone": "UTC", **rule},
        priority=3,
        made_by="somebody",
        made_s=0.0,
        next_s=utc(due),
        facts={"directory": "/work", "confirm": "never"},
    )
    store.save_schedule(made)


def fire(settings, store, now):
    """The runs that wait once the time is that."""
    fire_due(settings, store, utc(now), lambda: 0.5)
    return store.queue_entries((EntryState.QUEUED,))


def test_nothing_is_fired_before_it_is_due(settings, store):
    kept(store, "2026-06-02T02:30")
    assert fire(settings, store, "2026-06-02T02:29") == ()


def test_it_is_fired_once_with_all_that_was_said(settings, store):
    kept(store, "2026-06-02T02:30")
    (entry,) = fire(settings, store, "2026-06-02T02:30")
    assert (entry.priority, entry.submitted_by) == (3, "schedule nightly")
    assert entry.facts == {"directory": "/work", "confirm": "never", "schedule": "nightly"}
    (schedule,) = store.schedules()
    assert (schedule.last_run, schedule.next_s) == (entry.run_id, utc("2026-06-03T02:30"))
    assert fire(settings, store, "2026-06-02T02:31") == (entry,)


def test_a_missed_night_is_made_up_for_once_while_the_window_is_open(settings, store):
    kept(store, "2026-06-02T02:30", window=NIGHT)
    (entry,) = fire(settings, store, "2026-06-02T05:00")
    assert entry.facts["not_after_s"] == utc("2026-06-02T06:00")


def test_a_week_without_a_server_is_one_run(settings, store):
    kept(store, "2026-06-02T02:30")
    assert len(fire(settings, store, "2026-06-09T12:00")) == 1
    assert store.schedules()[0].next_s == utc("2026-06-10T02:30")


def test_a_missed_night_is_passed_over_once_the_window_is_closed_and_says_so(settings, store):
    kept(store, "2026-06-02T02:30", window=NIGHT)
    assert fire(settings, store, "2026-06-02T06:00") == ()
    (schedule,) = store.schedules()
    assert schedule.facts["note"].startswith("missed, due 2026-06-02 02:30 UTC: no server")
    assert schedule.next_s == utc("2026-06-03T02:30")


def test_runs_do_not_pile_up_behind_one_that_waits(settings, store):
    kept(store, "2026-06-02T02:30")
    (first,) = fire(settings, store, "2026-06-02T02:30")
    assert fire(settings, store, "2026-06-03T02:30") == (first,)
    assert f"its last run {first.run_id} still waits" in store.schedules()[0].facts["note"]
    store.move_entry(first.run_id, (EntryState.QUEUED,), EntryState.ENDED)
    assert len(fire(settings, store, "2026-06-04T02:30")) == 1
    assert store.schedules()[0].facts["note"] is None


def test_of_two_that_fire_at_once_one_does(settings, store):
    kept(store, "2026-06-02T02:30")
    (seen,) = store.schedules()
    fire(settings, store, "2026-06-02T02:30")
    assert not store.fire_schedule(seen, None, next_s=0.0, note="late")
    assert store.schedules()[0].facts["note"] is None


def test_jitter_comes_from_chance(settings, store):
    kept(store, "2026-06-02T02:30", jitter_s=3600)
    fire(settings, store, "2026-06-02T02:30")
    assert store.schedules()[0].next_s == utc("2026-06-03T03:00")


def test_a_run_that_waits_past_its_window_never_begins(settings, store):
    kept(store, "2026-06-02T02:30", window=NIGHT)
    (entry,) = fire(settings, store, "2026-06-02T02:30")
    dispatcher = Dispatcher(
        settings, store, at_once=1, epoch=lambda: utc("2026-06-02T06:00"), chance=lambda: 0.0
    )
    dispatcher.look()
    dispatcher.close()
    found = store.queue_entry(entry.run_id)
    assert (found.state, found.started_s) == (EntryState.REFUSED, None)
    assert "window closed" in found.reason


def test_a_schedule_is_kept_switched_off_and_on_and_its_name_is_its_own(settings, store):
    job = parse_trusted(settings, TEXT)
    rule = Rule(at=parse_clock("02:30"), zone="Europe/Vienna")

    def add():
        return add_schedule(
            settings,
            store,
            "nightly",
            job,
            rule,
            priority=0,
            made_by="somebody",
            chance=lambda: 0.0,
        )

    made = add()
    with pytest.raises(Conflict, match="there is a schedule nightly already"):
        add()
    assert parse_rule(made.rule).at == rule.at
    assert enable(store, "nightly", lambda: 0.0, is_enabled=False).next_s is None
    assert fire(settings, store, "2030-01-01T00:00") == ()
    assert enable(store, "nightly", lambda: 0.0, is_enabled=True).next_s == made.next_s
    store.delete_schedule("nightly")
    with pytest.raises(UnknownName, match="no schedule is called nightly; there is none"):
        enable(store, "nightly", lambda: 0.0, is_enabled=True)
