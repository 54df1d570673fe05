"""Pages for people: runs, one run, its report, a job's history, the queue."""

from __future__ import annotations

import time
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, RedirectResponse, Response

from storperf.errors import UnknownName
from storperf.histories import RUNS_SHOWN
from storperf.model.access import Caller, Scope
from storperf.model.listing import RunSearch
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import RunState
from storperf.queueing import asking, looking
from storperf.reports.queue_table import rule_words
from storperf.run_results import load_result
from storperf.web.callers import Reader, Runner
from storperf.web.pages.rendering import STATIC, kept_page, page, stylesheet
from storperf.web.pages.steps import step_lines
from storperf.web.served import Served, ServedBy

router = APIRouter(include_in_schema=False)

_PAPERS = {
    "report.md": "text/markdown; charset=utf-8",
    "result.json": "application/json",
    "junit.xml": "application/xml",
    "figures.csv": "text/csv; charset=utf-8",
}
_NOTES = 200


@router.get("/")
def front() -> Response:
    """The runs are the front page."""
    return RedirectResponse("/runs", 303)


@router.get("/static/service.css")
def styles() -> Response:
    """The one stylesheet."""
    return Response(stylesheet(), media_type="text/css", headers=_CACHED)


@router.get("/static/live.js")
def live_script() -> Response:
    """What keeps the page of a run up to date."""
    return FileResponse(STATIC / "live.js", media_type="text/javascript", headers=_CACHED)


@router.get("/runs")
def runs(  # noqa: PLR0913, PLR0917 - a condition each
    caller: Reader,
    by: ServedBy,
    job: str = "",
    lab: str = "",
    state: str = "",
    verdict: str = "",
    text: Annotated[str, Query(max_length=200)] = "",
    after: str | None = None,
) -> Response:
    """The list of runs, newest first, a page at a time."""
    conditions = {"job": job, "lab": lab, "state": state, "verdict": verdict, "text": text}
    given = {name: value for name, value in conditions.items() if value}
    wanted = RunSearch(
        job=job or None,
        lab=lab or None,
        state=RunState(state) if state in set(RunState) else None,
        verdict=verdict or None,
        text=text or None,
        after=after,
    )
    found = by.store.search_runs(wanted)
    return page(
        "runs.html",
        here="/runs",
        caller=caller,
        wanted=wanted,
        runs=found.runs,
        is_filtered=bool(given),
        next=urlencode(given | {"after": found.next}) if found.next else None,
    )


@router.get("/runs/{run_id}")
def run(run_id: str, caller: Reader, by: ServedBy) -> Response:
    """One run: while it goes on, kept up to date; afterwards, its verdict and its steps."""
    entry = by.store.queue_entry(run_id)
    try:
        found = by.store.get_run(run_id)
    except UnknownName:
        if entry is None:
            raise
        return _only_asked_for(entry, caller, by)
    result = load_result(by.store, found.id)
    folder = by.store.artefacts(found.id)
    return page(
        "run.html",
        here="",
        caller=caller,
        may_run=caller.may(Scope.RUN),
        run=found,
        verdict=result.verdict,
        is_open=found.state is RunState.RUNNING,
        waits="",
        has_report=(folder / "report.html").is_file(),
        papers=[name for name in _PAPERS if (folder / name).is_file()],
        graphite=_graphite_link(result.sinks),
        steps=step_lines(result),
        notes=[(each.at_s, each.text) for each in by.store.events(found.id)[-_NOTES:]],
    )


def _only_asked_for(entry: QueueEntry, caller: Caller, by: Served) -> Response:
    """A run that has not begun, or never will."""
    before = looking.waits_for(by.store, entry)
    waits = f"It waits for {', '.join(before)}." if before else "It begins soon."
    return page(
        "asked.html",
        here="/queue",
        caller=caller,
        may_run=caller.may(Scope.RUN),
        entry=entry,
        is_open=entry.state in {EntryState.QUEUED, EntryState.RUNNING},
        waits=waits,
    )


@router.get("/runs/{run_id}/report")
def report(run_id: str, caller: Reader, by: ServedBy) -> Response:
    """The run's own report, as it is."""
    del caller
    path = by.store.artefacts(by.store.get_run(run_id).id) / "report.html"
    if not path.is_file():
        raise UnknownName(f"run {run_id} has no report yet; it is written when the run ends")
    return kept_page(path.read_bytes())


@router.get("/runs/{run_id}/files/{name}")
def paper(run_id: str, name: str, caller: Reader, by: ServedBy) -> Response:
    """One of the run's papers, to be kept."""
    del caller
    path = by.store.artefacts(by.store.get_run(run_id).id) / name
    if name not in _PAPERS or not path.is_file():
        raise UnknownName(f"run {run_id} has no file {name}")
    return FileResponse(path, media_type=_PAPERS[name], filename=f"{run_id}-{name}")


@router.get("/history")
def history(job: str, caller: Reader, by: ServedBy, lab: str | None = None) -> Response:
    """All runs of a job, figure by figure."""
    # numpy and scipy are heavy: the service starts without.
    from storperf.reports.html_history import render_history

    del caller
    found = by.histories.of_job(job, lab, RUNS_SHOWN)
    links = {
        each.id: f"/runs/{quote(each.id)}/report"
        for each in found.runs
        if (by.store.artefacts(each.id) / "report.html").is_file()
    }
    return kept_page(render_history(found, links, made_s=time.time()))


@router.get("/queue")
def queue(caller: Reader, by: ServedBy) -> Response:
    """What runs, what waits and for what, and what the clock will ask for."""
    entries = looking.listed(by.store)
    return page(
        "queue.html",
        here="/queue",
        caller=caller,
        may_run=caller.may(Scope.RUN),
        entries=[(entry, looking.waits_for(by.store, entry, entries)) for entry in entries],
        schedules=by.store.schedules(),
        rule_words=rule_words,
    )


@router.post("/queue/{run_id}/cancel")
def cancel(run_id: str, caller: Runner, by: ServedBy) -> Response:
    """Take a run back, or end it; then its page again."""
    del caller
    asking.cancel(by.settings, by.store, run_id)
    return RedirectResponse(f"/runs/{quote(run_id)}", 303)


def _graphite_link(sinks: dict[str, Any]) -> str | None:
    match sinks.get("graphite"):
        case {"link": str(link)} if link.startswith(("http://", "https://")):
            return link
    return None


_CACHED = {"Cache-Control": "public, max-age=300"}
