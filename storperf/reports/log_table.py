"""What fio's logs say, for a terminal and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.fio_log import FioLog, FioLogs, LogSlice
from storperf.reports.clean import line
from storperf.stats.histogram import percentile_nearest_rank
from storperf.units import render_count, render_ns, render_rate

# As in the tables of steps, whose module would take as long to load as a million lines to read.
NOTHING = "-"
SCHEMA_NAME = "storperf-fio-logs/1"
_PERCENTILES = ("p50", "p90", "p95", "p99", "p99.9", "p99.99")


def logs_document(found: FioLogs) -> dict[str, Any]:
    """Every file with all that it says, or why it was refused; latencies in ns."""
    return {
        "schema": SCHEMA_NAME,
        "logs": [asdict(outcome) for outcome in found.outcomes],
        "together": [asdict(log) for log in found.together],
    }


def logs_table(found: FioLogs) -> RenderableType:
    """A table for each log that was read, and one for those that belong together."""
    parts: list[RenderableType] = []
    for outcome in found.outcomes:
        if outcome.log is None:
            parts.append(Text(line(f"{outcome.file}: refused: {outcome.reason}")))
        else:
            parts += _log(outcome.log, line(outcome.file))
    for log in found.together:
        parts += _log(log, f"together, {len(log.files)} logs")
    return Group(*parts)


def _log(log: FioLog, name: str) -> Iterator[RenderableType]:
    times = "epoch, " if log.is_epoch else ""
    yield Text(
        f"{name}: {log.kind.value} in {log.unit.value}, {log.lines} lines, "
        f"{times}{log.first_s:g} s to {log.last_s:g} s"
    )
    for note in log.notes:
        yield Text(f"  {line(note)}", style="dim")
    yield _figures(log)
    if log.slices:
        yield _slices(log)


def _figures(log: FioLog) -> Table:
    counted = "lines" if log.averaged_ms else "I/Os"
    table = _table("op", counted, "min", "mean", *_PERCENTILES, "max")
    for each in log.figures:
        ranks = dict(each.percentiles)
        values = (each.minimum, each.mean, *map(ranks.get, _PERCENTILES), each.maximum)
        table.add_row(each.op, str(each.count), *(_value(log, value) for value in values))
    return table


def _slices(log: FioLog) -> Table:
    table = _table("from", "op", "I/Os", "IOPS", "bandwidth", "p50", "p99", "p99.9")
    for each in log.slices:
        bandwidth = NOTHING if each.bandwidth is None else render_rate(each.bandwidth)
        table.add_row(
            f"{each.start_s:g} s",
            each.op,
            str(each.ios),
            render_count(each.iops),
            bandwidth,
            *(_rank(each, q) for q in (0.5, 0.99, 0.999)),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(Text(heading), justify="left" if heading == "op" else "right")
    return table


def _value(log: FioLog, value: float | None) -> str:
    if value is None:
        return NOTHING
    return render_ns(value) if log.kind.is_latency else render_count(value)


def _rank(part: LogSlice, q: float) -> str:
    if not part.bins:
        return NOTHING
    values, counts = np.array(part.bins, dtype=np.int64).T
    return render_ns(percentile_nearest_rank(values, counts, q))
