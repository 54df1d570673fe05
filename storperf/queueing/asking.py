"""Asking for runs: what the CLI and the web put into the queue, look up there and take back."""

from __future__ import annotations

import time
from collections.abc import Mapping

from storperf import service
from storperf.engine.profiles import Library
from storperf.errors import Conflict, UnknownName
from storperf.jobfile.parse import parse_job
from storperf.model.ending import ConfirmWhen
from storperf.model.job import Job, Origin
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import Run
from storperf.plan import plan_job
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
) -> QueueEntry:
    """Put a run of a job file into the queue; JobFileError when it could not be carried out.

    The text is taken as trusted: what comes from a request must have been vetted.
    """
    job = parse_trusted(settings, job_text)
    plan_job(job)
    now_s = time.time()
    entry = QueueEntry(
        run_id=service.new_run_id(now_s),
        job_name=job.name,
        lab=job.lab,
        title=title,
        job_text=job.text,
        resources=resources_of(job),
        priority=priority,
        submitted_by=submitted_by,
        submitted_s=now_s,
        not_before_s=not_before_s,
        facts={"confirm": None if confirm is None else confirm.value, **(facts or {})},
    )
    store.enqueue(entry)
    return entry


def parse_trusted(settings: Settings, job_text: str) -> Job:
    """The job in a text that was vetted."""
    library = Library(settings.workloads)
    return parse_job(job_text, source="the job", origin=Origin.TRUSTED, library=library)


def cancel(settings: Settings, store: Store, run_id: str) -> QueueEntry | Run:
    """Take a run back while it waits, or end it while it runs; Conflict when it has ended."""
    gone = store.move_entry(
        run_id, WAITING, EntryState.CANCELLED, ended_s=time.time(), reason="cancelled while queued"
    )
    entry = store.queue_entry(run_id)
    if entry is not None and gone:
        return entry
    if entry is not None and entry.state not in {EntryState.RUNNING, EntryState.QUEUED}:
        raise Conflict(f"run {run_id} has ended already ({entry.state})")
    return service.cancel_run(settings, run_id)


def entry_of(store: Store, run_id: str) -> QueueEntry:
    """The entry of a run; UnknownName when it never was in the queue."""
    found = store.queue_entry(run_id)
    if found is None:
        raise UnknownName(f"no run {run_id} was asked for", run=run_id)
    return found
