"""What a job's runs are judged against, and by whose word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Response

from storperf import anchoring, baselines
from storperf.baselines import Imported
from storperf.model.baseline import Anchor, BaselineEntry
from storperf.web.callers import Admin, Reader
from storperf.web.native.parameters import LINE, WORD, JobName, Lab, Limit, RunId
from storperf.web.native.reply import as_files, reply
from storperf.web.served import ServedBy

router = APIRouter(tags=["baselines"])

Why = Annotated[
    str,
    Body(pattern=WORD, max_length=500, embed=True, description="The reason; it is kept."),
]
OneStep = Annotated[
    str | None, Body(pattern=LINE, max_length=500, description="Only this step; without, all.")
]
JobKey = Annotated[str, Body(pattern=WORD, max_length=200, description="The job's name.")]
LabKey = Annotated[str, Body(pattern=WORD, max_length=200, description="Its lab.")]
_LONGEST_FILE = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDocument:
    """Which runs are a job's baseline, and by whose word, newest first."""

    schema: Literal["storperf-baseline/1"] = "storperf-baseline/1"
    entries: tuple[BaselineEntry, ...]
    anchors: tuple[Anchor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorsDocument:
    """Where baselines begin anew, one of each step."""

    schema: Literal["storperf-anchors/1"] = "storperf-anchors/1"
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedDocument:
    """How many places were cleared."""

    schema: Literal["storperf-baseline-cleared/1"] = "storperf-baseline-cleared/1"
    cleared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDocument:
    """What became of each run of a file: `added`, or `known` here already."""

    schema: Literal["storperf-baseline-imported/1"] = "storperf-baseline-imported/1"
    runs: tuple[Imported, ...]


@router.get("/baselines", response_model=BaselineDocument)
def show_baseline(
    _caller: Reader, by: ServedBy, job: JobName, lab: Lab = "local", limit: Limit = 100
) -> Response:
    """Show which runs are a job's baseline: the newest entries, and every anchor."""
    entries, anchors = by.store.baseline_entries(lab, job), by.store.anchors(lab, job)
    return reply(BaselineDocument(entries=entries[:limit], anchors=anchors))


@router.get("/baselines/file", response_class=Response, responses=as_files("application/json"))
def export_baseline(_caller: Reader, by: ServedBy, job: JobName, lab: Lab = "local") -> Response:
    """A job's accepted runs as one file with a checksum, as `storperf baseline export` writes."""
    text = baselines.export_file(by.settings, lab, job, None)
    return Response(text, media_type="application/json")


@router.post("/baselines/file", response_model=ImportedDocument)
def import_baseline(
    caller: Admin,
    by: ServedBy,
    text: Annotated[
        str, Body(embed=True, max_length=_LONGEST_FILE, description="What the export gave.")
    ],
) -> Response:
    """Take the runs of such a file into the store, and judge new ones by them.

    Its checksum must be right; a signature is checked on the command line only, where the key is.
    """
    taken = baselines.import_text(by.settings, text, None, who=caller.name, source="a request")
    return reply(ImportedDocument(runs=taken))


@router.post("/baselines/clear", response_model=ClearedDocument)
def clear_baseline(  # noqa: PLR0913, PLR0917 - a key each
    caller: Admin,
    by: ServedBy,
    job: JobKey,
    lab: LabKey = "local",
    step: OneStep = None,
    why: Why = "cleared by a person",
) -> Response:
    """Take every run out of a job's baseline; the runs themselves stay."""
    cleared = baselines.clear(by.settings, lab, job, step, who=caller.name, why=why)
    return reply(ClearedDocument(cleared=cleared))


@router.post("/baselines/unanchor", response_model=AnchorsDocument)
def unanchor(  # noqa: PLR0913, PLR0917 - a key each
    caller: Admin,
    by: ServedBy,
    job: JobKey,
    lab: LabKey = "local",
    step: OneStep = None,
    why: Why = "taken back by a person",
) -> Response:
    """Let the accepted runs before a change of level count again."""
    found = anchoring.unanchor(by.settings, lab, job, step, who=caller.name, why=why)
    return reply(AnchorsDocument(anchors=found))


@router.post("/runs/{run}/baseline/set", response_model=BaselineDocument)
def set_baseline(
    caller: Admin, by: ServedBy, run: RunId, why: Why = "accepted by a person"
) -> Response:
    """Accept a run into its baseline, whatever its verdict was."""
    entries = baselines.accept(by.settings, run, who=caller.name, why=why)
    return reply(BaselineDocument(entries=entries))


@router.post("/runs/{run}/baseline/pin", response_model=BaselineDocument)
def pin(caller: Admin, by: ServedBy, run: RunId, why: Why = "pinned by a person") -> Response:
    """Let the pinned runs alone count from now on, however old they are."""
    entries = baselines.pin(by.settings, run, who=caller.name, why=why, pinned=True)
    return reply(BaselineDocument(entries=entries))


@router.post("/runs/{run}/baseline/unpin", response_model=BaselineDocument)
def unpin(caller: Admin, by: ServedBy, run: RunId, why: Why = "unpinned by a person") -> Response:
    """Let the run count like any other again."""
    entries = baselines.pin(by.settings, run, who=caller.name, why=why, pinned=False)
    return reply(BaselineDocument(entries=entries))


@router.post("/runs/{run}/baseline/anchor", response_model=AnchorsDocument)
def anchor(
    caller: Admin,
    by: ServedBy,
    run: RunId,
    step: OneStep = None,
    why: Why = "a change of level that a person confirmed",
) -> Response:
    """Let the baseline begin anew with a run: the level changed, and is meant to stay."""
    found = anchoring.anchor(by.settings, run, step, who=caller.name, why=why)
    return reply(AnchorsDocument(anchors=found))
