"""A run's reports, and the files that are kept of it."""

from __future__ import annotations

import io
import mimetypes
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathPart
from fastapi.responses import FileResponse

from storperf import service
from storperf.errors import UnknownName
from storperf.model.result import RunResult
from storperf.reports.registry import render
from storperf.run_results import load_result
from storperf.web.callers import Reader
from storperf.web.native.parameters import RunName
from storperf.web.native.reply import as_files, reply
from storperf.web.native.runs import found_run
from storperf.web.served import ServedBy

router = APIRouter(tags=["files"])

# Whatever a file holds, no browser runs it as a page of this server.
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}


class ReportForm(StrEnum):
    """The forms of a report; a test holds them to the registry of reporters."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"
    YAML = "yaml"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    TABLE = "table"


_TYPES = {
    ReportForm.HTML: ("text/html", "html"),
    ReportForm.JSON: ("application/json", "json"),
    ReportForm.CSV: ("text/csv", "csv"),
    ReportForm.YAML: ("application/yaml", "yaml"),
    ReportForm.MARKDOWN: ("text/markdown", "md"),
    ReportForm.JUNIT: ("application/xml", "xml"),
    ReportForm.TABLE: ("text/plain", "txt"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A kept file; `path` is relative to the run's folder, `changed_s` epoch seconds."""

    path: str
    size_bytes: int
    changed_s: float
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactsDocument:
    """Every kept file of a run, by path."""

    schema: Literal["storperf-artefacts/1"] = "storperf-artefacts/1"
    run: str
    artefacts: tuple[Artefact, ...]


@router.get(
    "/runs/{run}/report",
    response_class=Response,
    responses=as_files(*(kind for kind, _ in _TYPES.values())),
)
def report(
    _caller: Reader,
    by: ServedBy,
    run: RunName,
    form: Annotated[ReportForm, Query(alias="format", description="Its form.")] = ReportForm.HTML,
) -> Response:
    """A run's report in one of the forms that `storperf export` and `report` have."""
    found = found_run(by.store, run)
    kind, suffix = _TYPES[form]
    name = f"storperf-{found.id}.{suffix}"
    if form is not ReportForm.HTML:
        result = load_result(by.store, found.id)
        text = _table(result) if form is ReportForm.TABLE else render(form.value, result)
        return Response(text, 200, _SAFE | _named(name), kind)
    path = by.store.artefacts(found.id) / "report.html"
    if found.ended_s is None or not path.is_file():
        path = service.html_report(by.settings, found.id)
    return FileResponse(path, headers=_SAFE | _named(name), media_type=kind)


@router.get("/runs/{run}/artefacts", response_model=ArtefactsDocument)
def list_artefacts(_caller: Reader, by: ServedBy, run: RunName) -> Response:
    """The kept files of a run: its papers, intervals, raw fio output, journals."""
    found = found_run(by.store, run)
    folder = by.store.artefacts(found.id)
    return reply(ArtefactsDocument(run=found.id, artefacts=tuple(_artefacts(folder))))


@router.get(
    "/runs/{run}/artefacts/{path:path}",
    response_class=Response,
    responses=as_files("application/octet-stream"),
)
def download(
    _caller: Reader,
    by: ServedBy,
    run: RunName,
    path: Annotated[
        str,
        PathPart(
            max_length=500,
            description="As the list of artefacts says it.",
            examples=["result.json"],
        ),
    ],
) -> Response:
    """One kept file of a run."""
    found = found_run(by.store, run)
    # Only what the list shows: whatever else the path may mean, it is not in it.
    known = {each.path: each for each in _artefacts(by.store.artefacts(found.id))}
    if path not in known:
        raise UnknownName(f"run {found.id} has no such artefact; see the list of them")
    file = by.store.artefacts(found.id) / path
    headers = _SAFE | _named(file.name)
    return FileResponse(file, headers=headers, media_type=known[path].type)


def _table(result: RunResult) -> str:
    """What `storperf show` prints where there is no terminal."""
    # rich is heavy: a server that nobody asks for tables does without.
    from rich.console import Console

    from storperf.reports.table import result_table

    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(result_table(result))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def _artefacts(folder: Path) -> list[Artefact]:
    """Regular files below the folder; a link is none, wherever it leads."""
    found = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_symlink() or not path.is_file():
                continue
            about = path.stat()
            kind, packed = mimetypes.guess_type(name)
            found.append(
                Artefact(
                    path=path.relative_to(folder).as_posix(),
                    size_bytes=about.st_size,
                    changed_s=about.st_mtime,
                    type="application/gzip" if packed else kind or "application/octet-stream",
                )
            )
    return found


def _named(name: str) -> dict[str, str]:
    """Saved under that name, never shown in place (RFC 6266)."""
    plain = "".join(each if each.isalnum() or each in "-_." else "_" for each in name)
    plain = plain.encode("ascii", "replace").decode().replace("?", "_")
    words = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return {"Content-Disposition": words}
