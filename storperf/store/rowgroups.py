"""Interval tables cut into row groups and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from storperf.stats.table import ROWS, IntervalTable, SensorTable


def rows_of(table: IntervalTable, start: int, end: int) -> IntervalTable:
    """Rows `start` to `end` (not included) with their histograms, as copies.

    Copies, because a view would keep the whole table in memory.
    """
    first, last = int(table.bin_offset[start]), int(table.bin_offset[end])
    return replace(
        table,
        bin_offset=table.bin_offset[start : end + 1] - first,
        bin_value_ns=table.bin_value_ns[first:last].copy(),
        bin_count=table.bin_count[first:last].copy(),
        **{name: getattr(table, name)[start:end].copy() for name in ROWS},
    )


def joined(tables: Sequence[IntervalTable], agents: tuple[str, ...]) -> IntervalTable:
    """All rows in order; every table's `agent` must index `agents`."""
    empty = IntervalTable.from_intervals(())
    every = (empty, *tables)
    starts = np.cumsum([0, *(len(table.bin_count) for table in every)])
    offsets = [table.bin_offset[1:] + start for table, start in zip(every, starts, strict=False)]
    columns = {
        name: np.concatenate([getattr(table, name) for table in every])
        for name in (*ROWS, "bin_value_ns", "bin_count")
    }
    return IntervalTable(
        agents=agents, bin_offset=np.concatenate([[0], *offsets]).astype(np.int64), **columns
    )


def filled(tables: Iterable[IntervalTable], rows: int, agents: tuple[str, ...]) -> IntervalTable:
    """The rows of all tables, so many as are said, without histograms; one table at a time.

    `joined` holds everything twice at its end, and what many small arrays leave behind stays
    with the process: a day of two directions took 40 MiB more.
    """
    kinds = IntervalTable.from_intervals(())
    columns = {name: np.empty(rows, dtype=getattr(kinds, name).dtype) for name in ROWS}
    start = 0
    for table in tables:
        for name, column in columns.items():
            column[start : start + len(table)] = getattr(table, name)
        start += len(table)
    return replace(kinds, agents=agents, bin_offset=np.zeros(rows + 1, dtype=np.int64), **columns)


def samples_of(table: SensorTable, start: int, end: int) -> SensorTable:
    """Samples `start` to `end` (not included)."""
    return replace(
        table,
        agent=table.agent[start:end],
        start_s=table.start_s[start:end],
        end_s=table.end_s[start:end],
        figures={name: column[start:end] for name, column in table.figures.items()},
    )


def joined_samples(tables: Sequence[SensorTable], agents: tuple[str, ...]) -> SensorTable:
    """All samples in order; a figure that one table lacks is NaN in its rows."""
    every = (SensorTable.from_samples(()), *tables)
    names = sorted({name for table in every for name in table.figures})
    return SensorTable(
        agents=agents,
        agent=np.concatenate([table.agent for table in every]),
        start_s=np.concatenate([table.start_s for table in every]),
        end_s=np.concatenate([table.end_s for table in every]),
        figures={
            name: np.concatenate(
                [table.figures.get(name, np.full(len(table), np.nan)) for table in every]
            )
            for name in names
        },
    )
