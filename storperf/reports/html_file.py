"""A run's report made from what the store keeps of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from storperf.model.result import RunResult
from storperf.model.run import Trial
from storperf.reports.html_kept import Kept, KeptFile
from storperf.reports.html_report import report_pieces
from storperf.reports.html_traces import Traces, is_drawn, trial_traces
from storperf.stats.table import PROBE
from storperf.store.atomic import replacing
from storperf.store.intervals import FEW_ROWS, iter_intervals, read_rows, read_sensors
from storperf.store.store import Store

REPORT_FILE = "report.html"

# What is in a run's folder and is not for reading.
_NOT_SHOWN = ("manager.lock", REPORT_FILE)


def write_report(store: Store, result: RunResult, path: Path, *, made_s: float) -> None:
    """Write the page, whole or not at all; links in it are relative to where it stands.

    StoreError when it cannot be written; intervals that cannot be read are told in it.
    """
    run_id = result.run.id
    folder = store.artefacts(run_id)

    def load_traces(trial: Trial) -> Traces | None:
        file = store.intervals_path(run_id, trial.id, trial.attempt)
        return _load_traces(file, trial, result) if file.exists() else None

    kept = Kept(
        load_traces=load_traces,
        events=store.events(run_id),
        files=tuple(_files(folder, path.parent)),
        run_links=_run_links(result, folder.parent, path.parent),
    )
    with replacing(path) as file:
        for piece in report_pieces(result, kept, made_s=made_s):
            file.write(piece.encode())


def _load_traces(file: Path, trial: Trial, result: RunResult) -> Traces:
    return trial_traces(
        read_rows(file),
        iter_intervals(file, FEW_ROWS),
        read_sensors(file, lambda figure: is_drawn(figure) or figure.startswith(PROBE)),
        interval_s=result.job.interval_s,
        window_s=_window(trial),
        devices=_devices(result.environment),
    )


def _window(trial: Trial) -> tuple[float, float] | None:
    """What the trial's figures are of, in epoch seconds; None when it is not known."""
    match trial.facts.get("window_s"):
        case [int() | float() as start_s, int() | float() as end_s]:
            return float(start_s), float(end_s)
    return None


def _devices(environment: dict[str, object]) -> list[str]:
    """The kernel's names of the devices under the targets of every agent."""
    names = [
        str(target["device_name"])
        for facts in environment.values()
        if isinstance(facts, dict) and isinstance(facts.get("targets"), list)
        for target in facts["targets"]
        if isinstance(target, dict) and target.get("device_name")
    ]
    return list(dict.fromkeys(names))


def _files(folder: Path, start: Path) -> Iterable[KeptFile]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in _NOT_SHOWN and not path.name.startswith("."):
            yield KeptFile(name=name, link=_link(path, start), size_bytes=path.stat().st_size)


def _run_links(result: RunResult, runs: Path, start: Path) -> dict[str, str]:
    """The way to the report of each run that was compared with, where there is one."""
    checks = () if result.verdict is None else result.verdict.checks
    names = dict.fromkeys(run for check in checks for run in check.baseline_runs)
    paths = {name: runs / name / REPORT_FILE for name in names}
    return {name: _link(path, start) for name, path in paths.items() if path.is_file()}


def _link(path: Path, start: Path) -> str:
    """A relative address; `./` keeps a name with a colon from looking like a scheme."""
    relative = os.path.relpath(path.resolve(), start.resolve())
    return quote(relative if relative.startswith(".") else f"./{relative}")
