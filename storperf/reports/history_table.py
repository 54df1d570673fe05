"""The history of a job for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.history import HistorySeries, JobHistory
from storperf.model.run import Run
from storperf.reports.clean import line
from storperf.reports.step_rows import NOTHING, shown
from storperf.reports.table import anchor_lines, runs_table
from storperf.stats.wording import figure_name, signed

# One sign an outcome, as words do not fit into a row of runs.
_SIGNS = {"pass": "+", "fail": "x", "inconclusive": "?", None: "."}
_SHOWN_RUNS = 10


def history_table(history: JobHistory) -> RenderableType:
    """The runs, then each judged figure: baseline, what would be suspicious, the last runs."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text("step\nfigure"), overflow="fold", ratio=1, min_width=16)
    table.add_column(Text("baseline\nsuspicious"), justify="right", no_wrap=True)
    table.add_column(Text("last\nrange"), justify="right", no_wrap=True)
    table.add_column(Text("outcomes"), no_wrap=True)
    for series in history.series:
        table.add_row(*_row(series))
    legend = Text(
        "outcomes, oldest run first: + pass, x fail, ? inconclusive, . not judged, "
        "( ) under another fingerprint",
        style="dim",
    )
    return Group(
        runs_table(history.runs[:_SHOWN_RUNS]),
        *_more(history.runs),
        Text(""),
        table,
        legend,
        *_changes(history),
        *anchor_lines(history.anchors),
    )


def _more(runs: tuple[Run, ...]) -> list[RenderableType]:
    hidden = len(runs) - _SHOWN_RUNS
    return [Text(f"and {hidden} earlier", style="dim")] if hidden > 0 else []


def _changes(history: JobHistory) -> list[RenderableType]:
    """The changes of level of every figure, the newest first."""
    found = [(each, series) for series in history.series for each in series.changes]
    found.sort(key=lambda pair: pair[0].created_s, reverse=True)
    told: list[RenderableType] = [Text("")] if found else []
    for each, series in found:
        side = "" if series.side == "candidate" else f" {line(series.side)}"
        told.append(
            Text(
                f"changed with run {each.run}: {line(series.step)}, "
                f"{figure_name(series.op, series.metric)}{side} {signed(each.change)} "
                f"(95 % interval {signed(each.low)} to {signed(each.high)}), "
                f"{shown(series.metric, each.before)} to {shown(series.metric, each.after)}"
            )
        )
    return told


def _row(series: HistorySeries) -> tuple[Text, Text, Text, Text]:
    values = [point.value for point in series.points if point.is_comparable]
    spread = NOTHING
    if values:
        spread = f"{shown(series.metric, min(values))} to {shown(series.metric, max(values))}"
    band = series.band
    edge = NOTHING
    if band is not None:
        sign = "<" if band.suspicious < band.centre else ">"
        edge = f"{sign} {shown(series.metric, band.suspicious)}"
    signs = [
        _SIGNS[None if point.reason is None else point.reason.outcome.value]
        if point.is_comparable
        else f"({_SIGNS[None if point.reason is None else point.reason.outcome.value]})"
        for point in series.points[-2 * _SHOWN_RUNS :]
    ]
    side = "" if series.side == "candidate" else f" {line(series.side)}"
    return (
        Text(f"{line(series.step)}\n  {figure_name(series.op, series.metric)}{side}"),
        Text(f"{shown(series.metric, None if band is None else band.centre)}\n{edge}"),
        Text(f"{shown(series.metric, series.points[-1].value)}\n{spread}"),
        Text("".join(signs)),
    )
