"""A trial in fewer points, for the eye: cells of time, and what each of them held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.job import Op
from storperf.stats.table import OPS, Floats, IntervalTable, Ints, Mask, SensorTable

# Latency cells of a heat map: 6 an octave are 12 % wide, fio's own buckets 1.1 %.
LATENCY_CELLS_AN_OCTAVE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Consecutive points of the series of one direction, cut into cells of time.

    `ends_s` (shape n) are the ends of the points in epoch seconds, `cell` (shape n, rising)
    the number of each one's cell, `width_s` how long a cell is, `count` how many there are;
    a cell in which nothing was measured has no number.
    """

    ends_s: Floats
    cell: Ints
    count: int
    interval_s: float
    width_s: float

    def middles_s(self) -> Floats:
        """The middle of each cell in epoch seconds (shape count)."""
        return mean_of_cells(self.ends_s, self.cell, self.count) - self.interval_s / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Lowest, median and highest value of each cell."""

    low: Floats
    median: Floats
    high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """I/Os by time and latency: `counts[j, i]` of cell i of time and j of latency.

    `edges_ns` has one more entry than there are cells of latency.
    """

    edges_ns: Floats
    counts: Ints


def cut(ends_s: Floats, interval_s: float, most: int) -> Cells:
    """At most `most` cells (or one more, where the first is cut), each as long as the others.

    Up to `most` points every point is its own cell.
    """
    count = len(ends_s)
    per_cell = max(1, -(-count // most))
    if per_cell == 1:
        cell = np.arange(count, dtype=np.int64)
        return Cells(
            ends_s=ends_s, cell=cell, count=count, interval_s=interval_s, width_s=interval_s
        )
    width_s = per_cell * interval_s
    number = np.floor((ends_s - ends_s[0] + interval_s / 2) / width_s).astype(np.int64)
    cell = np.unique(number, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return Cells(
        ends_s=ends_s,
        cell=cell,
        count=int(cell[-1]) + 1,
        interval_s=interval_s,
        width_s=width_s,
    )


def envelope(values: Floats, cells: Cells) -> Envelope:
    """What the values (shape n) did inside each cell."""
    order = np.lexsort((values, cells.cell))
    rising, sizes = values[order], np.bincount(cells.cell, minlength=cells.count)
    last = np.cumsum(sizes) - 1
    first = last - sizes + 1
    lower, upper = first + (sizes - 1) // 2, first + sizes // 2
    return Envelope(
        low=rising[first], median=(rising[lower] + rising[upper]) / 2, high=rising[last]
    )


def mean_of_cells(values: Floats, cell: Ints, count: int) -> Floats:
    """The mean of the known values of each cell; NaN for a cell without any."""
    known = np.isfinite(values)
    sums = np.bincount(cell[known], weights=values[known], minlength=count)
    sizes = np.bincount(cell[known], minlength=count)
    means: Floats = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan)
    return means


def cell_of_rows(table: IntervalTable, op: Op, cells: Cells) -> Ints:
    """For each row the cell its middle lies in; -1 for other directions and between points."""
    middle = (table.start_s + table.end_s) / 2
    if not cells.count:
        return np.full(len(table), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(cells.ends_s, middle), len(cells.ends_s) - 1)
    # Slices of several streams do not begin together: half an interval of grace on either side.
    distance = cells.ends_s[place] - middle
    is_inside = (distance < 1.5 * cells.interval_s) & (distance > -cells.interval_s / 2)
    return np.where(is_inside & _is_op(table, op), cells.cell[place], -1)


def percentiles_of_cells(
    table: IntervalTable, op: Op, cells: Cells, shares: Sequence[float]
) -> list[Floats]:
    """For each share the percentile (ns) of all I/Os of each cell; NaN for a cell without I/O.

    Nearest rank over the cell's merged histogram, to the same bucket as
    `histogram.percentile_nearest_rank` of it.
    """
    cell, values, counts = _bins(table, cell_of_rows(table, op, cells))
    order = np.lexsort((values, cell))
    cell, values, counts = cell[order], values[order], counts[order]
    reached = np.cumsum(counts)
    totals = np.zeros(cells.count, dtype=np.int64)
    np.add.at(totals, cell, counts)
    before = np.cumsum(totals) - totals
    found = []
    for share in shares:
        percent = float(round(share * 100, 10))
        exact = np.longdouble(percent) / np.longdouble(100.0) * totals.astype(np.longdouble)
        rank = np.maximum(1, np.ceil(exact)).astype(np.int64)
        place = np.searchsorted(reached, before + rank)
        inside = np.minimum(place, max(0, len(values) - 1))
        known = values[inside] if len(values) else np.zeros(cells.count)
        found.append(np.where(totals > 0, known, np.nan).astype(np.float64))
    return found


def heat_map(table: IntervalTable, op: Op, cells: Cells) -> HeatMap:
    """I/Os of one direction by cell of time and of latency; empty without histograms."""
    every = _latency_cell(table.bin_value_ns[np.repeat(_is_op(table, op), _lengths(table))])
    if not len(every):
        return HeatMap(edges_ns=np.zeros(0), counts=np.zeros((0, cells.count), dtype=np.int64))
    first, last = int(every.min()), int(every.max())
    grid = np.zeros((last - first + 1, cells.count), dtype=np.int64)
    cell, values, counts = _bins(table, cell_of_rows(table, op, cells))
    np.add.at(grid, (_latency_cell(values) - first, cell), counts)
    edges = np.exp2(np.arange(first, last + 2) / LATENCY_CELLS_AN_OCTAVE)
    return HeatMap(edges_ns=edges.astype(np.float64), counts=grid)


def latency_counts(table: IntervalTable, op: Op, edges_ns: Floats) -> Ints:
    """I/Os of one direction's rows in the latency cells of the trial's heat map."""
    _, values, counts = _bins(table, np.where(_is_op(table, op), 0, -1))
    found = np.zeros(max(0, len(edges_ns) - 1), dtype=np.int64)
    if len(values) and len(found):
        first = round(float(np.log2(edges_ns[0])) * LATENCY_CELLS_AN_OCTAVE)
        np.add.at(found, _latency_cell(values) - first, counts)
    return found


def host_series(
    sensors: SensorTable, figures: Mapping[str, Floats], width_s: float
) -> tuple[Floats, dict[str, Floats]]:
    """Middles (epoch s) and each host figure at them, in cells of `width_s`; NaN is not known.

    Figures (shape of the samples) are averaged within an agent's cell, which for rates over
    equal slices is the rate over the cell; of several agents the highest is taken.  The samples of
    one agent that are no shorter than a cell are given as they are.
    """
    middle = (sensors.start_s + sensors.end_s) / 2
    if not len(middle):
        return np.zeros(0), {}
    agents = np.unique(sensors.agent)
    lengths = sensors.end_s - sensors.start_s
    if len(agents) == 1 and float(np.median(lengths)) > 0.6 * width_s:
        order = np.argsort(middle, kind="stable")
        return middle[order], {name: values[order] for name, values in figures.items()}
    number = np.floor((middle - middle.min()) / width_s).astype(np.int64)
    count = int(number.max()) + 1
    seen = np.bincount(number, minlength=count) > 0
    middles: Floats = middle.min() + (np.arange(count) + 0.5) * width_s
    found = {}
    for name, values in figures.items():
        highest = np.full(count, np.nan)
        for agent in agents:
            own = sensors.agent == agent
            highest = np.fmax(highest, mean_of_cells(values[own], number[own], count))
        found[name] = highest[seen]
    return middles[seen], found


def _bins(table: IntervalTable, cell: Ints) -> tuple[Ints, Ints, Ints]:
    """Cell, value and count of each bucket of the rows that have a cell."""
    of_bin = np.repeat(cell, _lengths(table))
    kept = of_bin >= 0
    return of_bin[kept], table.bin_value_ns[kept], table.bin_count[kept]


def _is_op(table: IntervalTable, op: Op) -> Mask:
    found: Mask = table.op == OPS.index(op)
    return found


def _lengths(table: IntervalTable) -> Ints:
    return np.diff(table.bin_offset)


def _latency_cell(values_ns: Ints) -> Ints:
    # A latency of 0 is below fio's grain; it goes with 1 ns.
    logs = np.log2(np.maximum(values_ns, 1).astype(np.float64))
    cells: Ints = np.floor(logs * LATENCY_CELLS_AN_OCTAVE + 1e-9).astype(np.int64)
    return cells
