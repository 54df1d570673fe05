"""Runs, and what is known of each: steps, trials, events, agents, the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from storperf.errors import Conflict, UnknownName
from storperf.model.listing import RunOrder, RunRow, RunSearch
from storperf.model.queued import EntryState
from storperf.model.result import RunResult
from storperf.model.run import Event, RunState, Transition
from storperf.model.verdict import Outcome, Verdict
from storperf.reports.document import plain, result_document
from storperf.reports.result_schema import result_schema
from storperf.reports.verdict_document import verdict_document
from storperf.reports.verdict_schema import TEXT, closed, list_of, verdict_schema
from storperf.run_results import load_result
from storperf.store.store import Store
from storperf.web.callers import Reader
from storperf.web.native.parameters import (
    LINE,
    After,
    Limit,
    MaybeJob,
    MaybeLab,
    Moment,
    RunName,
    TrialName,
    moment_s,
)
from storperf.web.native.reply import as_described, reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["runs"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsDocument:
    """A page of runs; ask again with `after=next` for the one behind, until `next` is null."""

    schema: Literal["storperf-run-page/1"] = "storperf-run-page/1"
    runs: tuple[RunRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDocument:
    """What happened in a run, oldest first: the phases it entered, and what was worth telling."""

    schema: Literal["storperf-run-log/1"] = "storperf-run-log/1"
    run: str
    phases: tuple[Transition, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """An agent of a run, with what is known of its host; `facts` are plain values by name."""

    agent: str
    facts: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsDocument:
    """The agents of one run."""

    schema: Literal["storperf-agents/1"] = "storperf-agents/1"
    run: str
    agents: tuple[AgentFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the walk through a verdict."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationDocument:
    """A verdict walked through with its numbers; `verdict` is a storperf-verdict/1."""

    schema: Literal["storperf-explanation/1"] = "storperf-explanation/1"
    run: str
    job: str
    lab: str
    sections: tuple[Section, ...]
    verdict: dict[str, Any]


def _schema_of_steps() -> dict[str, Any]:
    step = result_schema()["properties"]["steps"]
    return closed({"schema": {"const": "storperf-run-steps/1"}, "run": TEXT, "steps": step})


def _schema_of_trials() -> dict[str, Any]:
    trial = result_schema()["properties"]["steps"]["items"]["properties"]["trials"]["items"]
    own = closed({"step": TEXT, **trial["properties"]})
    return closed({"schema": {"const": "storperf-trials/1"}, "run": TEXT, "trials": list_of(own)})


@router.get("/runs", response_model=RunsDocument)
def list_runs(  # noqa: PLR0913, PLR0917 - a parameter each
    _caller: Reader,
    by: ServedBy,
    job: MaybeJob = None,
    lab: MaybeLab = None,
    state: Annotated[RunState | None, Query(description="In this state.")] = None,
    verdict: Annotated[Outcome | None, Query(description="With this verdict.")] = None,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Moment = None,
    text: Annotated[
        str | None,
        Query(pattern=LINE, max_length=500, description="What stands in id, job or title."),
    ] = None,
    sort: Annotated[RunOrder, Query(description="By what they are sorted.")] = RunOrder.CREATED,
    order: Annotated[Literal["asc", "desc"], Query(description="Upwards or downwards.")] = "desc",
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """List runs that fit every condition; `text` stands in id, job or title."""
    wanted = RunSearch(
        job=job,
        lab=lab,
        state=state,
        verdict=None if verdict is None else verdict.value,
        from_s=moment_s("from", since),
        until_s=moment_s("until", until),
        text=text,
        order=sort,
        is_descending=order == "desc",
        limit=limit,
        after=after,
    )
    page = by.store.search_runs(wanted)
    return reply(RunsDocument(runs=page.runs, next=page.next))


@router.get("/runs/{run}", responses=as_described(result_schema()))
def show_run(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """Everything known of a run but its intervals: a storperf-result/1."""
    return reply(result_document(result_of(by.store, run)))


@router.get("/runs/{run}/steps", responses=as_described(_schema_of_steps()))
def list_steps(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """The steps of a run with their trials, in the order of the plan."""
    document = result_document(result_of(by.store, run))
    steps = document["steps"]
    return reply({"schema": "storperf-run-steps/1", "run": document["run"]["id"], "steps": steps})


@router.get("/runs/{run}/trials", responses=as_described(_schema_of_trials()))
def list_trials(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """Every attempt at every trial of a run."""
    return reply(_trials(result_of(by.store, run)))


@router.get("/runs/{run}/trials/{trial}", responses=as_described(_schema_of_trials()))
def show_trial(_caller: Reader, by: ServedBy, run: RunName, trial: TrialName) -> Response:
    """Every attempt at one trial."""
    document = _trials(result_of(by.store, run))
    found = [each for each in document["trials"] if each["id"] == trial]
    if not found:
        known = ", ".join(dict.fromkeys(each["id"] for each in document["trials"]))
        raise UnknownName(f"run {document['run']} has no trial {trial}; it has {known or 'none'}")
    return reply({**document, "trials": found})


@router.get("/runs/{run}/verdict", responses=as_described(verdict_schema()))
def show_verdict(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """A run's verdict: a storperf-verdict/1."""
    found = found_run(by.store, run)
    verdict = _judged(found.id, found.state, by.store.verdict(found.id))
    return reply(plain(verdict_document(verdict)))


@router.get("/runs/{run}/explanation", response_model=ExplanationDocument)
def explain(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """How a run came to its verdict, step by step, so that it can be checked by hand."""
    # scipy is heavy: most servers never explain.
    from storperf.reports.explanation import explanation

    result = result_of(by.store, run)
    verdict = _judged(result.run.id, result.run.state, result.verdict)
    sections = tuple(
        Section(title=each.title, lines=each.lines) for each in explanation(result, verdict)
    )
    document = ExplanationDocument(
        run=result.run.id,
        job=result.run.job_name,
        lab=result.run.lab,
        sections=sections,
        verdict=plain(verdict_document(verdict)),
    )
    return reply(document)


@router.get("/runs/{run}/log", response_model=LogDocument)
def show_log(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """What happened in a run."""
    found = found_run(by.store, run)
    phases, events = by.store.transitions(found.id), by.store.events(found.id)
    return reply(LogDocument(run=found.id, phases=phases, events=events))


@router.get("/runs/{run}/agents", response_model=AgentsDocument)
def list_agents(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """A run's agents, with the facts of their hosts."""
    result = result_of(by.store, run)
    agents = tuple(
        AgentFacts(agent=name, facts=facts)
        for name, facts in sorted(result.environment.items())
        if isinstance(facts, dict)
    )
    return reply(AgentsDocument(run=result.run.id, agents=agents))


def result_of(store: Store, text: str) -> RunResult:
    """A run's result; UnknownName for no run, Conflict for one that only waits."""
    return load_result(store, found_run(store, text).id)


def found_run(store: Store, text: str) -> Any:
    """The run that a caller means; Conflict when it waits in the queue."""
    try:
        return store.resolve(text)
    except UnknownName:
        entry = store.queue_entry(text)
        if entry is None:
            raise
        words = "waits in the queue" if entry.state is EntryState.QUEUED else f"is {entry.state}"
        raise Conflict(f"run {text} has not begun: it {words}; see /api/v3/queue/{text}") from None


def _judged(run: str, state: RunState, verdict: Verdict | None) -> Verdict:
    if verdict is None:
        raise Conflict(f"run {run} was not judged: it is {state}")
    return verdict


def _trials(result: RunResult) -> dict[str, Any]:
    document = result_document(result)
    trials = [
        {"step": step["key"], **trial} for step in document["steps"] for trial in step["trials"]
    ]
    return {"schema": "storperf-trials/1", "run": result.run.id, "trials": trials}
