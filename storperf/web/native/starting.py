"""Asking for runs: start, cancel, resume, run again, delete; and the queue they wait in."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Query, Response

from storperf import service
from storperf.errors import Conflict, Forbidden, UnknownName, UsageError
from storperf.jobfile.places import Places
from storperf.model.access import Caller, Scope
from storperf.model.ending import ConfirmWhen
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import Run, RunState
from storperf.queueing import asking
from storperf.queueing.entries import entry_of
from storperf.queueing.looking import waits_for
from storperf.units import parse_moment_s
from storperf.web.callers import Admin, Reader, Runner
from storperf.web.native.jobs import LONGEST_TEXT, Variables, job_text
from storperf.web.native.parameters import LINE, After, Limit, RunId
from storperf.web.native.reply import reply
from storperf.web.served import Served, ServedBy
from storperf.web.submitting import submit_vetted

router = APIRouter(tags=["queue"])

# Keys of an entry's facts: its job file came in a request and was held to what one may say;
# what the names of the configuration meant then.
VETTED = "vetted"
NAMES = "names"

MaybeText = Annotated[
    str | None,
    Body(
        max_length=LONGEST_TEXT,
        description="The job file (YAML).",
        examples=["name: quick\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"],
    ),
]
StoredName = Annotated[
    str | None,
    Body(pattern=LINE, max_length=100, description="Instead of `text`: a stored job file."),
]
Version = Annotated[
    int | None, Body(ge=1, le=1_000_000_000, description="Its version; without, the newest.")
]
Title = Annotated[str | None, Body(pattern=LINE, max_length=200, description="A name for people.")]
Priority = Annotated[int, Body(ge=-100, le=100, description="The highest goes first.")]
NotBefore = Annotated[
    str | None,
    Body(pattern=LINE, max_length=40, description="A time: `2026-11-22T22:00` (UTC)."),
]
Confirm = Annotated[ConfirmWhen | None, Body(description="Instead of the job's `confirm.when`.")]
ToGraphite = Annotated[bool, Body(description="Whether figures go to a Graphite.")]
OnceKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=LINE,
        min_length=1,
        max_length=200,
        description="The same key again gives the run that the first request made.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDocument:
    """One run that was asked for; `waits_for` are the runs before it that use the same."""

    schema: Literal["storperf-queue-entry/1"] = "storperf-queue-entry/1"
    entry: QueueEntry
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDocument:
    """What runs, then what waits in the order in which it begins, then what has ended.

    Ask again with `after=next` for the page behind, until `next` is null.
    """

    schema: Literal["storperf-queue/1"] = "storperf-queue/1"
    entries: tuple[QueueEntry, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of a request to end a run, or to go on with it."""

    schema: Literal["storperf-asked/1"] = "storperf-asked/1"
    run: str
    state: RunState | EntryState


@router.post("/runs", status_code=202, response_model=EntryDocument)
def start_run(  # noqa: PLR0913, PLR0917 - a key each
    caller: Runner,
    by: ServedBy,
    text: MaybeText = None,
    job: StoredName = None,
    version: Version = None,
    variables: Variables = None,
    title: Title = None,
    priority: Priority = 0,
    not_before: NotBefore = None,
    confirm: Confirm = None,
    graphite: ToGraphite = True,  # noqa: FBT002 - a key of the body
    once: OnceKey = None,
) -> Response:
    """Put a run into the queue; it begins as soon as nothing else uses what it needs."""
    entry = submit_vetted(
        by,
        caller,
        job_text(by.store, text, job, version),
        variables=variables or {},
        title=title,
        priority=priority,
        not_before_s=_moment_s(not_before),
        confirm=confirm,
        once=_once(caller, once),
        facts={"graphite": graphite, VETTED: True, NAMES: meaning_of(by.configuration.places)},
    )
    return _entry_reply(by, entry, status=202)


@router.post("/runs/{run}/rerun", status_code=202, response_model=EntryDocument)
def rerun(caller: Runner, by: ServedBy, run: RunId, once: OnceKey = None) -> Response:
    """Ask for the same job again, as a new run; names of the configuration mean what they did.

    Only an admin may do so once their meaning has changed, or with a job that did not come in a
    request: it may say what no request may.
    """
    found, entry = _find(by, run)
    source = found or entry
    if source is None:
        raise UnknownName(f"there is no run {run}")
    if found is not None and found.imported_from is not None:
        raise Conflict(f"run {run} is an import; it has no job that could be run")
    known = {} if entry is None else entry.facts
    is_vetted, names = known.get(VETTED) is True, known.get(NAMES)
    if not caller.may(Scope.ADMIN):
        _require_as_then(by, is_vetted=is_vetted, names=names)
    again = asking.submit(
        by.settings,
        by.store,
        source.job_text,
        submitted_by=caller.name,
        title=source.title,
        once=_once(caller, once),
        facts={
            "rerun_of": run,
            VETTED: is_vetted,
            NAMES: names,
            "directory": _directory(by, source),
        },
    )
    by.wake_queue()
    return _entry_reply(by, again, status=202)


@router.post("/runs/{run}/cancel", status_code=202, response_model=Asked)
def cancel(_caller: Runner, by: ServedBy, run: RunId) -> Response:
    """Take a run back while it waits, or end it while it runs; what was measured is kept."""
    found, entry = _find(by, run)
    if entry is not None and entry.state in {EntryState.QUEUED, EntryState.RUNNING}:
        after = asking.cancel(by.settings, by.store, run)
        by.wake_queue()
        return reply(Asked(run=run, state=after.state), status=202)
    if found is None and entry is not None:
        raise Conflict(f"run {run} has ended already ({entry.state})")
    ended = service.cancel_run(by.settings, by.store.get_run(run).id)
    return reply(Asked(run=run, state=ended.state), status=202)


@router.post("/runs/{run}/resume", status_code=202, response_model=Asked)
def resume(caller: Runner, by: ServedBy, run: RunId) -> Response:
    """Go on with a run whose manager was killed; Conflict when it has ended."""
    found, entry = _find(by, run)
    if found is None:
        raise UnknownName(f"no run {run} has begun")
    if found.state is not RunState.RUNNING:
        raise Conflict(f"run {run} has ended ({found.state}); there is nothing to resume")
    if found.imported_from is not None:
        raise Conflict(f"run {run} is an import that was cut off; import its file again")
    if entry is None:
        by.store.enqueue(_entry_of_run(by, found, caller))
    by.wake_queue()
    return reply(Asked(run=run, state=found.state), status=202)


@router.delete("/runs/{run}", status_code=204, response_class=Response)
def delete_run(_caller: Admin, by: ServedBy, run: RunId) -> Response:
    """Remove a run that has ended, for ever: its files, its rows, its places in baselines."""
    found, entry = _find(by, run)
    if found is None and entry is None:
        raise UnknownName(f"there is no run {run}")
    if entry is not None:
        by.store.forget_entry(run)
    if found is not None:
        by.store.delete_run(run)
    return Response(status_code=204)


@router.get("/queue", response_model=QueueDocument)
def list_queue(
    _caller: Reader,
    by: ServedBy,
    every: Annotated[bool, Query(alias="all", description="What has ended, too.")] = False,  # noqa: FBT002
    limit: Limit = 100,
    after: After = None,
) -> Response:
    """List what runs and what waits."""
    found = by.store.queue_page(limit=limit, after=after, every=every)
    return reply(QueueDocument(entries=found.entries, next=found.next))


@router.get("/queue/{run}", response_model=EntryDocument)
def show_entry(_caller: Reader, by: ServedBy, run: RunId) -> Response:
    """Show one run that was asked for, and what it waits for."""
    return _entry_reply(by, entry_of(by.store, run))


@router.patch("/queue/{run}", response_model=EntryDocument)
def move_entry(
    _caller: Runner, by: ServedBy, run: RunId, priority: Annotated[Priority, Body(embed=True)]
) -> Response:
    """Give a run that waits another priority."""
    return _entry_reply(by, asking.move(by.store, run, priority))


def _entry_reply(by: Served, entry: QueueEntry, status: int = 200) -> Response:
    document = EntryDocument(entry=entry, waits_for=waits_for(by.store, entry))
    return reply(document, status=status, headers={"Location": f"/api/v3/queue/{entry.run_id}"})


def _find(by: Served, run: str) -> tuple[Run | None, QueueEntry | None]:
    """The run and the entry of an id; neither need be there."""
    try:
        found = by.store.get_run(run)
    except UnknownName:
        return None, by.store.queue_entry(run)
    return found, by.store.queue_entry(run)


def _entry_of_run(by: Served, found: Run, caller: Caller) -> QueueEntry:
    """An entry for a run that began without the queue, so that the queue goes on with it."""
    made = asking.make_entry(
        by.settings,
        found.job_text,
        submitted_by=caller.name,
        title=found.title,
        priority=0,
        facts={"directory": _directory(by, found)},
    )
    return replace(made, run_id=found.id)


def meaning_of(places: Places) -> str:
    """A digest of what every name of a configuration means."""
    return hashlib.sha256(json.dumps(asdict(places), sort_keys=True).encode()).hexdigest()


def _require_as_then(by: Served, *, is_vetted: bool, names: object) -> None:
    """Forbidden unless a request might ask for the same today."""
    if not is_vetted:
        raise Forbidden("this job did not come in a request; an admin may run it again")
    if names != meaning_of(by.configuration.places):
        raise Forbidden(
            "the server's configuration has changed since, and this run keeps what its names "
            "meant; send the job file anew, or let an admin run it as it was"
        )


def _directory(by: Served, source: Run | QueueEntry) -> str:
    """Where the relative paths of a job start."""
    return str(source.facts.get("directory", by.settings.directory))


def _once(caller: Caller, key: str | None) -> str | None:
    """The key as it is kept: each caller has keys of its own."""
    if key is None:
        return None
    return hashlib.sha256(f"{caller.name}\n{key}".encode()).hexdigest()


def _moment_s(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_moment_s(text, time.time())
    except ValueError as error:
        raise UsageError(f"not_before: {error}") from error
