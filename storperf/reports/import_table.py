"""What became of imported results, for a terminal and for a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.imports.imported import ImportedRun, ImportOutcome
from storperf.model.metric import METRICS
from storperf.reports.clean import line
from storperf.reports.document import plain
from storperf.reports.step_rows import NOTHING
from storperf.stats.wording import quantity
from storperf.units import render_bytes, render_count, render_ns

SCHEMA_NAME = "storperf-import/1"
_SHOWN_PERCENTILES = ("50", "99", "99.9")


def import_document(outcomes: Sequence[ImportOutcome]) -> dict[str, Any]:
    """Every result with what was understood of it, or why it was refused."""
    return {
        "schema": SCHEMA_NAME,
        "results": [
            {
                "file": outcome.file,
                "part": outcome.part,
                "state": outcome.state,
                "run": outcome.run,
                "reason": outcome.reason,
                **_read(outcome.imported),
            }
            for outcome in outcomes
        ],
    }


def _read(imported: ImportedRun | None) -> dict[str, Any]:
    if imported is None:
        return dict.fromkeys(("kind", "program", "job", "faults", "doubts", "notes", "understood"))
    understood: Any = plain(imported.understood)
    return {
        "kind": imported.kind,
        "faults": [line(said) for said in imported.faults],
        "doubts": [line(said) for said in imported.doubts],
        "program": imported.program,
        "job": imported.name,
        "notes": [line(note) for note in imported.notes],
        "understood": understood,
    }


def import_table(outcomes: Sequence[ImportOutcome], *, figures: bool) -> RenderableType:
    """A line a result; with `figures` a table of each one's figures below it."""
    parts: list[RenderableType] = []
    for outcome in outcomes:
        part = "" if outcome.part == 1 else f" ({outcome.part})"
        run = f" as run {outcome.run}" if outcome.run and outcome.state != "refused" else ""
        why = f": {outcome.reason}" if outcome.reason else ""
        parts.append(Text(line(f"{outcome.file}{part}: {_STATES[outcome.state]}{run}{why}")))
        if outcome.imported is not None:
            if outcome.state != "refused":
                told = (*outcome.imported.faults, *outcome.imported.doubts)
                parts += [Text(f"  {line(said)}") for said in told]
            if figures:
                parts += _figures(outcome.imported)
    return Group(*parts)


_STATES = {
    "imported": "imported",
    "known": "there already",
    "understood": "understood",
    "refused": "refused",
}


def _figures(imported: ImportedRun) -> Iterator[RenderableType]:
    for note in imported.notes:
        yield Text(f"  {line(note)}", style="dim")
    yield _fio_table(imported.understood) if imported.kind == "fio" else _windows(imported)


def _fio_table(understood: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text("fio job\nop"), overflow="fold", ratio=1, min_width=12)
    for heading in ("I/Os\nbytes", "runtime\nerror", "IOPS\nbandwidth", "slat\nlat", "clat\nmax"):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    table.add_column(Text("clat p50\np99, p99.9"), justify="right", no_wrap=True)
    for job in understood["fio_jobs"]:
        server = f" on {job['server']}" if job["server"] else ""
        named = line(f"{job['name']}{server}")
        for op, found in (job["directions"] or {"-": {}}).items():
            table.add_row(
                Text(f"{named}\n  {op}"),
                Text(
                    f"{_shown(render_count, found.get('ios'))}\n"
                    f"{_shown(render_bytes, found.get('bytes'))}"
                ),
                Text(f"{_shown(_seconds, found.get('runtime_ms'))}\n{job['error']}"),
                Text(
                    f"{_metric('iops', found.get('iops'))}\n"
                    f"{_metric('bandwidth', found.get('bandwidth_bytes_per_s'))}"
                ),
                Text(f"{_latency(found, 'slat_ns', 'mean')}\n{_latency(found, 'lat_ns', 'mean')}"),
                Text(f"{_latency(found, 'clat_ns', 'mean')}\n{_latency(found, 'clat_ns', 'max')}"),
                Text(_percentiles(found)),
            )
    return table


def _windows(imported: ImportedRun) -> Group:
    windows = (
        f"  {window['step']}: {window['steadiness'].replace('_', ' ')}"
        for window in imported.understood["windows"]
    )
    drifts = (
        f"  {trial.step.key}: {each.sentence}"
        for trial in imported.trials
        for each in trial.steady_figures
        if not each.snia_steady
    )
    return Group(*(Text(line(told)) for told in (*windows, *drifts)))


def _percentiles(found: Mapping[str, Any]) -> str:
    known = (found.get("clat_ns") or {}).get("percentiles", {})
    middle, *tail = (_shown(render_ns, known.get(name)) for name in _SHOWN_PERCENTILES)
    return f"{middle}\n{', '.join(tail)}"


def _latency(found: Mapping[str, Any], kind: str, figure: str) -> str:
    return _shown(render_ns, (found.get(kind) or {}).get(figure))


def _metric(name: str, value: float | None) -> str:
    return NOTHING if value is None else quantity(METRICS[name], value)


def _seconds(runtime_ms: float) -> str:
    return f"{runtime_ms / 1000:g} s"


def _shown(render: Any, value: float | None) -> str:
    return NOTHING if value is None else str(render(value))
