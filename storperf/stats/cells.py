"""A trial in fewer points, for the eye: cells of time, and what each of them held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from storperf.model.job import Op
from storperf.stats.table import OPS, Floats, IntervalTable, Ints, Mask, SensorTable


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


def _is_op(table: IntervalTable, op: Op) -> Mask:
    found: Mask = table.op == OPS.index(op)
    return found
