"""What was extracted from a Graphite, for a terminal and as a document."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.imports.earlier import ExtractedFigure, ExtractOutcome
from storperf.reports.clean import line


def extract_table(outcomes: Sequence[ExtractOutcome]) -> RenderableType:
    """Each run in a line, and below it its figures."""
    return Group(*(each for outcome in outcomes for each in _of_run(outcome)))


def extract_document(outcomes: Sequence[ExtractOutcome]) -> dict[str, object]:
    """The same as plain values."""
    return {
        "schema": "storperf-extract/1",
        "runs": [
            {
                "started_s": outcome.started_s,
                "state": outcome.state,
                "run": outcome.run,
                "enters_baseline": outcome.enters_baseline,
                "sentence": outcome.sentence,
                "refused": list(outcome.refused),
                "figures": [_figure(figure) for figure in outcome.figures],
            }
            for outcome in outcomes
        ],
    }


def _figure(figure: ExtractedFigure) -> dict[str, object]:
    return {
        "trial": figure.trial,
        "step": figure.step,
        "side": figure.side,
        "op": figure.op,
        "metric": figure.metric,
        "value": figure.value,
        "source": figure.source.value,
        "own": figure.own,
        "limit": figure.limit,
    }


def _of_run(outcome: ExtractOutcome) -> list[RenderableType]:
    started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(outcome.started_s))
    baseline = "enters the baseline" if outcome.enters_baseline else "does not enter the baseline"
    words = f"{outcome.run or 'run'} of {started}: {outcome.state}"
    if outcome.state == "extracted":
        words += f", {baseline}"
    parts: list[RenderableType] = [Text(line(f"{words}. {outcome.sentence}"))]
    if outcome.figures:
        parts.append(_table(outcome.figures))
    parts += [Text(line(f"refused: {sentence}")) for sentence in outcome.refused]
    return parts


def _table(figures: Sequence[ExtractedFigure]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("trial", "step", "op", "metric", "from"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "the run itself said"):
        table.add_column(heading, justify="right")
    for figure in figures:
        own = "" if figure.own is None else f"{figure.own:.6g}"
        table.add_row(
            figure.trial,
            Text(line(figure.step)),
            figure.op,
            figure.metric,
            figure.source.value,
            f"{figure.value:.6g}",
            own,
        )
    return table
