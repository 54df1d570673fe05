"""A trial's histograms by cells of time, taken in a few rows at a time.

Their memory is that of the cells: a day at one second has 300 of them, and so has an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.job import Op
from storperf.stats.cells import Cells, cell_of_rows
from storperf.stats.series import rows_between
from storperf.stats.table import OPS, Floats, IntervalTable, Ints

# Latency cells of a heat map: 6 an octave are 12 % wide, fio's own buckets 1.1 %.
LATENCY_CELLS_AN_OCTAVE = 6
# As many as whole numbers of 64 bits can need.
_LATENCY_CELLS = 64 * LATENCY_CELLS_AN_OCTAVE


class CellBins:
    """The merged histogram of each cell of one direction."""

    def __init__(self, op: Op, cells: Cells) -> None:
        self._op = op
        self._cells = cells
        # One row a bucket of a cell: cell, value in ns, count.
        self._buckets = np.zeros((3, 0), dtype=np.int64)

    def add(self, table: IntervalTable) -> None:
        """Take in the next rows, in any order."""
        rows = np.array(_bins(table, cell_of_rows(table, self._op, self._cells)))
        cell, values, counts = np.concatenate((self._buckets, rows), axis=1)
        order = np.lexsort((values, cell))
        cell, values, counts = cell[order], values[order], counts[order]
        is_new = np.ones(len(cell), dtype=np.bool_)
        is_new[1:] = (np.diff(cell) != 0) | (np.diff(values) != 0)
        starts = np.flatnonzero(is_new)
        sums = np.add.reduceat(counts, starts) if len(starts) else counts
        self._buckets = np.array([cell[starts], values[starts], sums])

    def percentiles(self, shares: Sequence[float]) -> list[Floats]:
        """For each share the percentile (ns) of all I/Os of each cell; NaN for one without I/O.

        Nearest rank over the cell's merged histogram, to the same bucket as
        `histogram.percentile_nearest_rank` of it.
        """
        cell, values, counts = self._buckets
        reached = np.cumsum(counts)
        totals = np.zeros(self._cells.count, dtype=np.int64)
        np.add.at(totals, cell, counts)
        before = np.cumsum(totals) - totals
        found = []
        for share in shares:
            percent = float(round(share * 100, 10))
            exact = np.longdouble(percent) / np.longdouble(100.0) * totals.astype(np.longdouble)
            rank = np.maximum(1, np.ceil(exact)).astype(np.int64)
            place = np.searchsorted(reached, before + rank)
            inside = np.minimum(place, max(0, len(values) - 1))
            known = values[inside] if len(values) else np.zeros(self._cells.count)
            found.append(np.where(totals > 0, known, np.nan).astype(np.float64))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """I/Os by time and latency: `counts[j, i]` of cell i of time and j of latency.

    `edges_ns` has one more entry than there are cells of latency; `kept` (shape of those) are
    the I/Os of the kept part alone, of all its rows.
    """

    edges_ns: Floats
    counts: Ints
    kept: Ints


class HeatSums:
    """What the heat map of one direction is made of; `window_s` is the kept part, None for all."""

    def __init__(self, op: Op, cells: Cells, window_s: tuple[float, float] | None) -> None:
        self._op = op
        self._cells = cells
        self._window_s = window_s
        self._counts = np.zeros((_LATENCY_CELLS, cells.count), dtype=np.int64)
        self._kept = np.zeros(_LATENCY_CELLS, dtype=np.int64)
        self._has_bins = np.zeros(_LATENCY_CELLS, dtype=np.bool_)

    def add(self, table: IntervalTable) -> None:
        """Take in the next rows, in any order."""
        cell, values, counts = _bins(table, cell_of_rows(table, self._op, self._cells))
        np.add.at(self._counts, (_latency_cell(values), cell), counts)
        is_own = table.op == OPS.index(self._op)
        _, values, _ = _bins(table, np.where(is_own, 0, -1))
        self._has_bins[_latency_cell(values)] = True
        is_kept = (
            is_own if self._window_s is None else is_own & rows_between(table, *self._window_s)
        )
        _, values, counts = _bins(table, np.where(is_kept, 0, -1))
        np.add.at(self._kept, _latency_cell(values), counts)

    def heat_map(self) -> HeatMap:
        """From the lowest to the highest latency that any row has; empty without histograms."""
        found = np.flatnonzero(self._has_bins)
        first, behind = (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)
        edges = np.exp2(np.arange(first, behind + 1) / LATENCY_CELLS_AN_OCTAVE)
        return HeatMap(
            edges_ns=edges[: behind + 1 - first if len(found) else 0],
            counts=self._counts[first:behind],
            kept=self._kept[first:behind],
        )


def _bins(table: IntervalTable, cell: Ints) -> tuple[Ints, Ints, Ints]:
    """Cell, value and count of each bucket of the rows that have a cell."""
    of_bin = np.repeat(cell, np.diff(table.bin_offset))
    kept = of_bin >= 0
    return of_bin[kept], table.bin_value_ns[kept], table.bin_count[kept]


def _latency_cell(values_ns: Ints) -> Ints:
    # A latency of 0 is below fio's grain; it goes with 1 ns.
    logs = np.log2(np.maximum(values_ns, 1).astype(np.float64))
    cells: Ints = np.floor(logs * LATENCY_CELLS_AN_OCTAVE + 1e-9).astype(np.int64)
    return cells
