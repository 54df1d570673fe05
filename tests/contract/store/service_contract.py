"""What every store keeps to of a service's own things: queue, schedules, callers, lists by page."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count

import pytest
from contract.store.store_values import a_plan, a_run

from storperf.errors import Conflict, ExitCode, UnknownName, UsageError
from storperf.model.access import AuditEntry, Scope, Token
from storperf.model.configuration import Configuration, ConfigurationState
from storperf.model.listing import RunOrder, RunSearch
from storperf.model.queued import EntryState, QueueEntry, Schedule
from storperf.model.run import RunState

NUMBERS = count(1)


def a_wish(**changes):
    number = next(NUMBERS)
    values = {
        "run_id": f"wish-{number:05}",
        "job_name": "nightly",
        "lab": "pod9",
        "title": None,
        "job_text": "name: nightly\n",
        "resources": ("host:local", "ceph"),
        "priority": 0,
        "submitted_by": "me",
        "submitted_s": 1_000_000.5 + number,
        "facts": {"confirm": None, "graphite": True},
    }
    return QueueEntry(**values | changes)


def a_schedule(**changes):
    values = {
        "name": "nightly",
        "job_text": "name: nightly\n",
        "rule": {"every_s": 3600.0, "window": ["22:00", "06:00"]},
        "priority": 2,
        "made_by": "me",
        "made_s": 1.5,
        "next_s": 3601.25,
        "facts": {"graphite": False},
    }
    return Schedule(**values | changes)


def a_token(token_id, **changes):
    values = {
        "id": token_id,
        "name": "ci",
        "digest": f"digest of {token_id}",
        "scope": Scope.RUN,
        "created_s": 1.5,
    }
    return Token(**values | changes)


def at_once(callers, act):
    """What each of so many threads gets from `act` when all begin at one instant."""
    together = threading.Barrier(callers)

    def begin(number):
        together.wait(timeout=60)
        return act(number)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(begin, range(callers)))


class QueueContract:
    def test_an_entry_comes_back_as_it_was(self, store):
        plain, whole = a_wish(), a_wish(title="build 7", not_before_s=2.5, reason="wait")
        for entry in (plain, whole):
            store.enqueue(entry)
            assert store.queue_entry(entry.run_id) == entry
        assert store.queue_entry("nobody") is None

    def test_entries_come_by_priority_then_by_age(self, store):
        late, early, urgent = (
            a_wish(submitted_s=9.0),
            a_wish(submitted_s=8.0),
            a_wish(priority=3),
        )
        for entry in (late, early, urgent):
            store.enqueue(entry)
        assert store.queue_entries() == (urgent, early, late)
        assert store.queue_entries((EntryState.RUNNING,)) == ()

    def test_the_same_key_again_gives_the_first_entry(self, store):
        first = store.enqueue_once(a_wish(), "key")
        assert store.enqueue_once(a_wish(), "key") == first
        other = store.enqueue_once(a_wish(), "other key")
        assert store.queue_entries() == (first, other)
        assert store.queue_entry(first.run_id) == first

    def test_of_requests_with_one_key_at_one_instant_one_makes_the_entry(self, store):
        for key in ("first", "second", "third"):
            found = at_once(4, lambda _, key=key: store.enqueue_once(a_wish(), key))
            assert len({entry.run_id for entry in found}) == 1
        assert len(store.queue_entries()) == 3

    def test_of_two_that_move_an_entry_at_one_instant_one_succeeds(self, store):
        entry = a_wish()
        store.enqueue(entry)
        moved = at_once(
            2,
            lambda _: store.move_entry(entry.run_id, [EntryState.QUEUED], EntryState.RUNNING),
        )
        assert sorted(moved) == [False, True]
        assert store.queue_entry(entry.run_id).state is EntryState.RUNNING

    def test_what_waits_or_runs_is_not_forgotten(self, store):
        entry = a_wish()
        store.enqueue(entry)
        with pytest.raises(Conflict, match="waits or runs"):
            store.forget_entry(entry.run_id)
        store.move_entry(entry.run_id, [EntryState.QUEUED], EntryState.ENDED, ended_s=2.0)
        store.forget_entry(entry.run_id)
        assert store.queue_entry(entry.run_id) is None

    def test_states_are_counted_and_those_of_nobody_left_out(self, store):
        for state in (EntryState.QUEUED, EntryState.QUEUED, EntryState.CANCELLED):
            store.enqueue(a_wish(state=state))
        assert store.queue_counts() == {EntryState.QUEUED: 2, EntryState.CANCELLED: 1}

    def test_pages_of_the_queue_give_each_entry_once_what_has_ended_last(self, store):
        running = [a_wish(state=EntryState.RUNNING)]
        waiting = [a_wish(priority=2), a_wish(), a_wish()]
        ended = [
            a_wish(state=EntryState.ENDED, ended_s=1_000_009.0 - number) for number in range(3)
        ]
        for entry in (*ended[::-1], *waiting[::-1], *running):
            store.enqueue(entry)
        assert _pages(store, every=True) == [*running, *waiting, *ended]
        assert _pages(store, every=False) == [*running, *waiting]

    def test_a_cursor_of_another_list_is_refused(self, store):
        for entry in (a_wish(), a_wish()):
            store.create_run(a_run(), a_plan())
            store.enqueue(entry)
        of_runs = store.search_runs(RunSearch(limit=1)).next
        with pytest.raises(UsageError, match="`next`"):
            store.queue_page(limit=1, after=of_runs)


def _pages(store, *, every):
    found, after = [], None
    while after is not None or not found:
        page = store.queue_page(limit=2, after=after, every=every)
        found += page.entries
        after = page.next
    return found


class ScheduleContract:
    def test_a_schedule_comes_back_as_it_was_and_is_replaced(self, store):
        first = a_schedule()
        store.save_schedule(first)
        assert store.schedule("nightly") == first
        second = replace(first, is_enabled=False, next_s=None, last_run="r")
        store.save_schedule(second)
        assert store.schedules() == (second,)
        store.delete_schedule("nightly")
        for act in (store.schedule, store.delete_schedule):
            with pytest.raises(UnknownName, match="nightly"):
                act("nightly")

    def test_of_two_that_fire_a_schedule_at_one_instant_one_does(self, store):
        schedule = a_schedule()
        store.save_schedule(schedule)
        fired = at_once(
            2, lambda _: store.fire_schedule(schedule, a_wish(), next_s=7201.25, note=None)
        )
        assert sorted(fired) == [False, True]
        (entry,) = store.queue_entries()
        kept = store.schedule("nightly")
        assert (kept.next_s, kept.last_run) == (7201.25, entry.run_id)

    def test_a_schedule_that_is_passed_over_says_why_and_asks_for_nothing(self, store):
        schedule = a_schedule()
        store.save_schedule(schedule)
        assert store.fire_schedule(schedule, None, next_s=7201.25, note="still running")
        kept = store.schedule("nightly")
        assert kept == replace(
            schedule, next_s=7201.25, facts={"graphite": False, "note": "still running"}
        )
        assert store.queue_entries() == ()


class AccessContract:
    def test_a_token_is_found_by_its_digest_until_its_time_is_over(self, store):
        kept, session = a_token("t1"), a_token("t1.s", scope=Scope.READ, expires_s=5.0)
        for token in (kept, session):
            store.add_token(token)
        assert store.token_of("digest of t1") == kept
        assert store.token_of("digest of t2") is None
        assert store.tokens() == (kept, session)
        store.forget_tokens_expired_before(6.0, like="%.%")
        assert store.tokens() == (kept,)

    def test_a_token_is_revoked_with_its_sessions_and_no_other(self, store):
        for token_id in ("t1", "t1.s", "t10", "t1_"):
            store.add_token(a_token(token_id))
        store.revoke_token("t1", at_s=7.0)
        store.revoke_token("t1", at_s=8.0)
        assert {token.id: token.revoked_s for token in store.tokens()} == {
            "t1": 7.0,
            "t1.s": 7.0,
            "t10": None,
            "t1_": None,
        }
        with pytest.raises(UnknownName, match="t2"):
            store.revoke_token("t2", at_s=7.0)

    def test_what_was_asked_for_is_told_newest_first(self, store):
        entries = [
            AuditEntry(at_s=5.0, who="me", address="::1", what=f"POST {n}", outcome="202")
            for n in range(3)
        ]
        for entry in entries:
            store.add_audit(entry)
        assert store.audit(limit=2) == (entries[2], entries[1])

    def test_a_host_is_pinned_once_and_unpinned(self, store):
        for key in ("old", "new"):
            store.pin_host("[h]:22", key, pinned_by="me", at_s=1.0)
        assert store.pinned_hosts() == {"[h]:22": "new"}
        store.unpin_host("[h]:22")
        with pytest.raises(UnknownName, match="no key is pinned"):
            store.unpin_host("[h]:22")

    def test_a_job_file_gets_a_version_for_each_new_text(self, store):
        for text in ("a", "a", "b", "a"):
            store.store_job("n", text, stored_by="me", at_s=1.5)
        assert [(job.version, job.text) for job in store.stored_jobs("n")] == [
            (3, "a"),
            (2, "b"),
            (1, "a"),
        ]
        assert store.stored_jobs("m") == ()

    def test_job_files_stored_at_one_instant_get_a_version_each(self, store):
        kept = at_once(4, lambda n: store.store_job("n", f"{n}", stored_by="me", at_s=1.5))
        assert sorted(job.version for job in kept) == [1, 2, 3, 4]
        assert set(store.stored_jobs()) == set(kept)


class ConfigurationContract:
    def test_a_configuration_comes_back_as_it_was_until_it_is_forgotten(self, store):
        made = Configuration(
            name="StorPerfAgentGroup",
            parameters={"agent_count": 2},
            state=ConfigurationState.CREATED,
            reason=None,
            changed_s=1.5,
            facts={"run": "r"},
        )
        for each in (replace(made, changed_s=0.5), made):
            store.save_configuration(each)
        assert store.configurations() == (made,)
        for _ in range(2):
            store.delete_configuration(made.name)
        assert store.configurations() == ()


class ListContract:
    @pytest.mark.parametrize("order", list(RunOrder))
    @pytest.mark.parametrize("is_descending", [False, True])
    def test_pages_give_every_run_once_in_their_order(self, store, order, is_descending):
        for number in range(7):
            run = a_run(job_name="ab"[number % 2], created_s=1_000_000.0 + number // 2)
            store.create_run(run, a_plan())
            if number % 3:
                _end(store, run, 2_000_000.0 - number // 4)
        found, after = [], None
        while after is not None or not found:
            page = store.search_runs(
                RunSearch(order=order, is_descending=is_descending, limit=2, after=after)
            )
            found += page.runs
            after = page.next
        keys = {
            RunOrder.CREATED: lambda run: (run.created_s, run.id),
            RunOrder.ENDED: lambda run: (run.ended_s or 1e15, run.created_s, run.id),
            RunOrder.JOB: lambda run: (run.job_name, run.created_s, run.id),
        }
        assert len(found) == 7
        assert found == sorted(found, key=keys[order], reverse=is_descending)

    def test_runs_are_found_by_the_time_of_their_creation_the_end_left_out(self, store):
        runs = [a_run(created_s=1_000_000.0 + number) for number in range(4)]
        for run in runs:
            store.create_run(run, a_plan())
        found = store.find_runs(from_s=1_000_001.0, until_s=1_000_003.0)
        assert [run.id for run in found] == [runs[2].id, runs[1].id]

    def test_jobs_are_known_with_every_lab_of_theirs(self, store):
        for job, lab in (("b", "pod1"), ("a", "pod9"), ("a", "pod1"), ("a", "pod9")):
            store.create_run(a_run(job_name=job, lab=lab), a_plan())
        assert store.known_jobs() == (("a", "pod1"), ("a", "pod9"), ("b", "pod1"))

    def test_runs_are_counted_by_state_and_verdict(self, store):
        _end(store, a_run(), 2.0, store.create_run)
        store.create_run(a_run(), a_plan())
        assert set(store.run_counts()) == {("completed", "pass", 1), ("running", None, 1)}


def _end(store, run, ended_s, create=None):
    if create is not None:
        create(run, a_plan())
    store.end_run(
        run.id,
        state=RunState.COMPLETED,
        exit_code=ExitCode.PASS,
        verdict="pass",
        reason=None,
        ended_s=ended_s,
    )


class ServiceContract(
    QueueContract, ScheduleContract, AccessContract, ConfigurationContract, ListContract
):
    """All of it."""
