"""Workloads and suites: what a job file can name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response

from storperf import library
from storperf.library import LibraryEntry
from storperf.model.job import Origin
from storperf.reports.library_table import steps_document
from storperf.web.callers import Admin, Reader
from storperf.web.native.parameters import Name
from storperf.web.native.reply import reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["workloads"])

_LONGEST_TEXT = 200_000
YamlText = Annotated[
    str,
    Body(
        embed=True,
        max_length=_LONGEST_TEXT,
        description="Fio options, or a suite, as they would stand in a job file (YAML).",
    ),
]
Replace = Annotated[bool, Body(embed=True, description="Take the place of one of that name.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadsDocument:
    """Everything that a job file can name: workloads first, then suites, then the server's own."""

    schema: Literal["storperf-workloads/1"] = "storperf-workloads/1"
    workloads: tuple[LibraryEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadDocument:
    """A workload or a suite as it would stand in a job file."""

    schema: Literal["storperf-workload/1"] = "storperf-workload/1"
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDocument:
    """One step that a job comes to; no block size where sizes are mixed."""

    key: str
    workload: str
    options: dict[str, str]
    block_size_bytes: int | None
    queue_depth: int
    numjobs: int
    agents: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsDocument:
    """What a job comes to: its steps, how many trials, how long they measure at least."""

    schema: Literal["storperf-steps/1"] = "storperf-steps/1"
    job: str
    trials: int
    shortest_s: float
    steps: tuple[StepDocument, ...]
    text: str


@router.get("/workloads", response_model=WorkloadsDocument)
def list_workloads(_caller: Reader, by: ServedBy) -> Response:
    """List every workload and suite."""
    return reply(WorkloadsDocument(workloads=tuple(library.entries(by.settings))))


@router.get("/workloads/{name}", response_model=WorkloadDocument)
def show_workload(_caller: Reader, by: ServedBy, name: Name) -> Response:
    """Show a workload or a suite."""
    return reply(WorkloadDocument(name=name, text=library.text_of(by.settings, name)))


@router.get("/workloads/{name}/steps", response_model=StepsDocument)
def check_workload(_caller: Reader, by: ServedBy, name: Name) -> Response:
    """Show what a workload or a suite comes to, with every rule checked.  Nothing is run."""
    # Known to the library, so it is never taken for the name of a file.
    library.text_of(by.settings, name)
    looked = library.look(by.settings, name)
    return reply(steps_document(looked.job, looked.plan, looked.shortest_s))


@router.put("/workloads/{name}", response_model=WorkloadDocument)
def add_workload(
    _caller: Admin,
    by: ServedBy,
    name: Name,
    text: YamlText,
    replace: Replace = False,  # noqa: FBT002 - a key of the body
) -> Response:
    """Keep a workload (fio options) or a suite under a name; it is checked first.

    Options that run commands or open files are refused here, whoever asks.
    """
    library.keep(by.settings, name, text, replace_it=replace, origin=Origin.UNTRUSTED)
    return reply(WorkloadDocument(name=name, text=text))


@router.delete("/workloads/{name}", status_code=204, response_class=Response)
def remove_workload(_caller: Admin, by: ServedBy, name: Name) -> Response:
    """Remove one of the server's own."""
    library.remove(by.settings, name)
    return Response(status_code=204)
