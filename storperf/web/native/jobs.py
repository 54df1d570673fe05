"""Job files that the server keeps, each version of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response
from fastapi import Path as PathPart

from storperf.errors import UnknownName, UsageError
from storperf.model.job import Job
from storperf.model.queued import StoredJob
from storperf.plan import plan_job
from storperf.queueing import asking
from storperf.reports.library_table import steps_document
from storperf.store.store import Store
from storperf.web.callers import Reader, Runner
from storperf.web.native.library import StepsDocument
from storperf.web.native.parameters import Name
from storperf.web.native.reply import reply
from storperf.web.served import Served, ServedBy
from storperf.web.submitting import vetted

router = APIRouter(tags=["jobs"])

LONGEST_TEXT = 1_000_000
JobText = Annotated[
    str,
    Body(
        embed=True,
        max_length=LONGEST_TEXT,
        description="The job file (YAML).",
        examples=["name: quick\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"],
    ),
]
Variables = Annotated[
    dict[str, str] | None, Body(embed=True, description="Variables of the job file.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsDocument:
    """The newest version of each stored job file, by name."""

    schema: Literal["storperf-jobs/1"] = "storperf-jobs/1"
    jobs: tuple[StoredJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDocument:
    """Every version of one stored job file, the newest first."""

    schema: Literal["storperf-job/1"] = "storperf-job/1"
    name: str
    versions: tuple[StoredJob, ...]


@router.post("/jobs/validate", response_model=StepsDocument)
def validate(_caller: Reader, by: ServedBy, text: JobText, variables: Variables = None) -> Response:
    """Check a job file against every rule, and show what it comes to.  Nothing is run or kept."""
    job = _checked(by, text, variables or {})
    plan = plan_job(job)
    shortest_s = len(plan.trials) * job.ending.runtime_s
    return reply(steps_document(job, plan, shortest_s))


@router.get("/jobs", response_model=JobsDocument)
def list_jobs(_caller: Reader, by: ServedBy) -> Response:
    """List the stored job files."""
    newest = {each.name: each for each in reversed(by.store.stored_jobs())}
    return reply(JobsDocument(jobs=tuple(newest[name] for name in sorted(newest))))


@router.put("/jobs/{name}", response_model=StoredJob)
def store_job(
    caller: Runner, by: ServedBy, name: Name, text: JobText, variables: Variables = None
) -> Response:
    """Keep a job file as the next version of its name; the same text again makes none."""
    _checked(by, text, variables or {})
    return reply(by.store.store_job(name, text, stored_by=caller.name, at_s=time.time()))


@router.get("/jobs/{name}", response_model=JobDocument)
def show_job(_caller: Reader, by: ServedBy, name: Name) -> Response:
    """Show every version of a stored job file."""
    return reply(JobDocument(name=name, versions=_versions(by.store, name)))


@router.get("/jobs/{name}/versions/{version}", response_model=StoredJob)
def show_version(
    _caller: Reader,
    by: ServedBy,
    name: Name,
    version: Annotated[int, PathPart(ge=1, le=1_000_000_000, description="Counted from 1.")],
) -> Response:
    """Show one version of a stored job file."""
    return reply(stored_job(by.store, name, version))


def job_text(store: Store, text: str | None, name: str | None, version: int | None) -> str:
    """The job file that a request brings or names; UsageError when it does both, or neither."""
    if (text is None) == (name is None):
        raise UsageError("give the job file as `text`, or the name of a stored one as `job`")
    return text if text is not None else stored_job(store, name or "", version).text


def stored_job(store: Store, name: str, version: int | None) -> StoredJob:
    """A version of a stored job file, without one the newest; UnknownName when there is none."""
    versions = _versions(store, name)
    if version is None:
        return versions[0]
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        raise UnknownName(f"job {name} has versions 1 to {versions[0].version}, not {version}")
    return found


def _versions(store: Store, name: str) -> tuple[StoredJob, ...]:
    found = store.stored_jobs(name)
    if not found:
        known = ", ".join(sorted({each.name for each in store.stored_jobs()}))
        raise UnknownName(f"no job is stored as {name}; there are {known or 'none'}", name=name)
    return found


def _checked(by: Served, text: str, variables: dict[str, str]) -> Job:
    """The job in a request's text, held to what a request may say."""
    return asking.parse_trusted(by.settings, vetted(by, text, variables=variables))
