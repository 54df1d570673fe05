"""Asking for runs: what the CLI and the web put into the queue, look up there and take back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from storperf import service
from storperf.engine.profiles import Library
from storperf.errors import Conflict, UnknownName
from storperf.jobfile.parse import parse_job
from storperf.model.ending import ConfirmWhen
from storperf.model.host import SshHost
from storperf.model.job import Job, Origin
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import RunState
from storperf.plan import plan_job
from storperf.queueing.entries import CANCEL, entry_of, find_run, settle
from storperf.queueing.locks import is_served
from storperf.queueing.looking import OPEN
from storperf.queueing.resources import resources_of
from storperf.settings import Settings
from storperf.store.store import Store

WAITING = (EntryState.QUEUED,)


def submit(  # noqa: PLR0913 - what a caller may say, by keyword
    settings: Settings,
    store: Store,
    job_text: str,
    *,
    submitted_by: str,
    title: str | None = None,
    priority: int = 0,
    not_before_s: float | None = None,
    confirm: ConfirmWhen | None = None,
    facts: Mapping[str, object] | None = None,
    once: str | None = None,
) -> QueueEntry:
    """Put a run of a job file into the queue; JobFileError when it could not be carried out.

    The text is taken as trusted: what comes from a request must have been vetted.  Of `facts`,
    `graphite` False sends nothing to any, and `not_after_s` is when waiting ends.  A second submit
    with the same `once` gives the entry of the first; Conflict when its job is another.
    """
    entry = make_entry(
        settings,
        job_text,
        submitted_by=submitted_by,
        title=title,
        priority=priority,
        facts={"confirm": None if confirm is None else confirm.value, **(facts or {})},
    )
    entry = replace(entry, not_before_s=not_before_s)
    if once is None:
        store.enqueue(entry)
        return entry
    kept = store.enqueue_once(entry, once)
    if kept.job_text != entry.job_text:
        raise Conflict(f"the key was used for another job before, that of run {kept.run_id}")
    return kept


def make_entry(  # noqa: PLR0913 - what a caller may say, by keyword
    settings: Settings,
    job_text: str,
    *,
    submitted_by: str,
    title: str | None,
    priority: int,
    facts: Mapping[str, object],
) -> QueueEntry:
    """An entry that is in no queue yet; JobFileError when the job could not be carried out."""
    job = parse_trusted(settings, job_text)
    plan_job(job)
    now_s = time.time()
    return QueueEntry(
        run_id=service.new_run_id(now_s),
        job_name=job.name,
        lab=job.lab,
        title=title,
        job_text=job.text,
        resources=resources_of(job, partial(_address, settings)),
        priority=priority,
        submitted_by=submitted_by,
        submitted_s=now_s,
        facts={"directory": str(settings.directory), **facts},
    )


def _address(settings: Settings, host: SshHost) -> str:
    # paramiko is heavy, and most jobs name no host.
    from storperf.remote.ssh_login import find_address

    return find_address(host, settings.home)


def parse_trusted(settings: Settings, job_text: str) -> Job:
    """The job in a text that was vetted."""
    library = Library(settings.workloads)
    return parse_job(job_text, source="the job", origin=Origin.TRUSTED, library=library)


def cancel(settings: Settings, store: Store, run_id: str) -> QueueEntry:
    """Take a run back while it waits, or ask for its end while it runs; Conflict when it has ended.

    Gives the entry as it is then.  Without a server a run whose manager died is torn down from
    here.
    """
    gone = store.move_entry(
        run_id, WAITING, EntryState.CANCELLED, ended_s=time.time(), reason="cancelled while queued"
    )
    entry = entry_of(store, run_id)
    if gone:
        return entry
    if entry.state is not EntryState.RUNNING:
        raise Conflict(f"run {run_id} has ended already ({entry.state})")
    # Said first, looked at next: the child looks for it once its run has begun.
    facts = {**entry.facts, CANCEL: True}
    store.move_entry(run_id, (EntryState.RUNNING,), EntryState.RUNNING, facts=facts)
    found = find_run(store, run_id)
    if found is not None and is_served(settings):
        store.request_cancel(run_id)
    elif found is not None and found.state is RunState.RUNNING:
        service.cancel_run(settings, run_id)
    settle(store, run_id)
    return entry_of(store, run_id)


def cancel_named(settings: Settings, store: Store, text: str) -> tuple[str, str]:
    """End the run that a person means, whether it waits or goes on; its id and its state then.

    Titles of what waits or runs win over those of the past.  UnknownName and Conflict as in
    `cancel` and `service.cancel_run`.
    """
    found = _fitting(store.queue_entries(OPEN), text)
    if found is not None:
        ended = cancel(settings, store, found.run_id)
        return ended.run_id, ended.state.value
    run = service.cancel_run(settings, text)
    return run.id, run.state.value


def move(store: Store, run_id: str, priority: int) -> QueueEntry:
    """Give an entry that waits another priority; Conflict when it does not wait any more."""
    is_moved = store.move_entry(run_id, WAITING, EntryState.QUEUED, priority=priority)
    entry = entry_of(store, run_id)
    if not is_moved:
        raise Conflict(f"run {run_id} does not wait, it is {entry.state}")
    return entry


def resolve(store: Store, text: str) -> QueueEntry:
    """The entry that a person means: a run's id, the beginning of one, or a title.

    UnknownName when nothing fits, and when several do.
    """
    exact = store.queue_entry(text)
    found = exact or _fitting(store.queue_entries(), text)
    if found is None:
        words = f"the queue has no entry {text!r}; `storperf queue list` shows it"
        raise UnknownName(words, name=text)
    return found


def _fitting(entries: Sequence[QueueEntry], text: str) -> QueueEntry | None:
    """The entry whose id begins so, else the one of that title; UnknownName when several do."""
    for found in (
        [entry for entry in entries if text and entry.run_id.startswith(text)],
        [entry for entry in entries if entry.title == text],
    ):
        if len(found) > 1:
            ids = ", ".join(entry.run_id for entry in found[:5])
            raise UnknownName(f"{text!r} fits several entries of the queue: {ids}", name=text)
        if found:
            return found[0]
    return None
