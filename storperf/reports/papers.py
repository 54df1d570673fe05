"""The files that a finished run leaves for people and machines."""

from __future__ import annotations

from pathlib import Path

from storperf.model.result import RunResult
from storperf.reports.registry import render
from storperf.reports.result_json import json_pieces
from storperf.store.atomic import replacing

# The file's name, and the form it is rendered in.
PAPERS = {
    "result.json": "json",
    "report.md": "markdown",
    "junit.xml": "junit",
    "figures.csv": "csv",
}


def write_papers(result: RunResult, folder: Path) -> tuple[Path, ...]:
    """Write every paper into the folder, each whole or not at all; gives their paths.

    Writing again replaces them.  StoreError when one cannot be written.
    """
    paths = []
    for name, form in PAPERS.items():
        path = folder / name
        with replacing(path) as file:
            for piece in json_pieces(result) if form == "json" else (render(form, result),):
                file.write(piece.encode())
        paths.append(path)
    return tuple(paths)
