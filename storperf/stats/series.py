"""One series for a whole trial: what all agents and targets did together, over time."""

from __future__ import annotations

import numpy as np

from storperf.model.job import Op
from storperf.stats.table import OPS, Floats, IntervalTable, Ints, Mask

COLUMNS = {"iops": "ios", "bandwidth": "bytes"}
_FULL_COVER = 0.9
_HALF = 0.5


def stream_numbers(table: IntervalTable) -> Ints:
    """For each row the number of its stream, that is of its agent and target (shape n)."""
    pairs = table.agent * (table.target.max(initial=0) + 1) + table.target
    return np.unique(pairs, return_inverse=True)[1].reshape(len(table)).astype(np.int64)


def seconds(table: IntervalTable) -> Floats:
    """What a row's counts are divided by: fio's runtime of the slice (shape n).

    fio does not count a direction's runtime before its first I/O; such a slice is as long
    as the agent's clock says, and its zero is a measured one.
    """
    return np.where(table.duration_s > 0, table.duration_s, table.end_s - table.start_s)


def common_window(table: IntervalTable) -> tuple[float, float]:
    """Latest start and earliest end over all streams, in epoch seconds.

    The end is not after the start when the streams never ran together; both are zero
    for an empty table.
    """
    if len(table) == 0:
        return 0.0, 0.0
    stream = stream_numbers(table)
    first = np.full(stream.max() + 1, np.inf)
    last = np.full(stream.max() + 1, -np.inf)
    np.minimum.at(first, stream, table.start_s)
    np.maximum.at(last, stream, table.end_s)
    return float(first.max()), float(last.min())


def summed_series(
    table: IntervalTable, op: Op, metric: str, interval_s: float
) -> tuple[Floats, Floats]:
    """End times (epoch s) and sums over all streams of `iops` or `bandwidth` (bytes/s).

    See `summed_columns`; both arrays have one length and are empty without data.
    """
    times, values = summed_columns(table, op, (COLUMNS[metric],), interval_s)
    return times, values


def summed_columns(
    table: IntervalTable, op: Op, columns: tuple[str, ...], interval_s: float
) -> tuple[Floats, ...]:
    """End times, then for each column its amount per second summed over agents and targets.

    The grid is that of the first stream's slices, so that the series of a single stream is
    just what was measured.  A slice shorter than half the interval (fio's last stub) is
    left out; one of several intervals (fio was late with a document) counts as often as it
    is long.  Every other stream adds its average over the same time, and a time that a
    stream does not cover is left out: nothing is filled in.
    """
    divisor = seconds(table)
    rows = np.flatnonzero((table.op == OPS.index(op)) & (divisor > 0))
    empty = tuple(np.zeros(0) for _ in range(len(columns) + 1))
    if len(rows) == 0:
        return empty
    rows = rows[np.lexsort((table.start_s[rows], table.index[rows]))]
    stream = stream_numbers(table)[rows]
    divisor = np.where(divisor > 0, divisor, 1.0)
    amounts = [getattr(table, name) / divisor for name in columns]
    numbers = np.unique(stream)
    own = rows[stream == numbers[0]]
    starts, ends, source = _grid(table.start_s[own], table.end_s[own], interval_s)
    sums = np.array([amount[own][source] for amount in amounts])
    covered = np.ones(len(starts), dtype=np.bool_)
    for number in numbers[1:]:
        other = rows[stream == number]
        edges = np.maximum.accumulate(
            np.stack([table.start_s[other], table.end_s[other]], 1).ravel()
        )
        cover = _integral(edges, np.ones(len(other)), starts, ends)
        covered &= cover >= _FULL_COVER * (ends - starts)
        added = [_integral(edges, amount[other], starts, ends) for amount in amounts]
        sums += np.array(added) / np.where(cover > 0, cover, 1.0)
    return (ends[covered], *sums[:, covered])


def summed_rounds(
    table: IntervalTable, op: Op, metric: str, start_s: float, round_s: float
) -> Floats:
    """The sum over all streams of `iops` or `bandwidth` in each complete round, oldest first.

    Rounds begin at `start_s` (epoch) and are complete up to the end of the common window, as
    the engine counts them while the trial runs.  A slice that spans two rounds is shared
    out by time.  NaN is a round of which some stream covers less than half.
    """
    end_s = common_window(table)[1]
    count = max(0, int((end_s - start_s) / round_s + 1e-9))
    starts: Floats = start_s + round_s * np.arange(count, dtype=np.float64)
    rows = np.flatnonzero((table.op == OPS.index(op)) & (table.end_s > table.start_s))
    rows = rows[np.lexsort((table.start_s[rows], table.index[rows]))]
    stream = stream_numbers(table)[rows]
    total = np.zeros(count) if len(rows) else np.full(count, np.nan)
    for number in np.unique(stream):
        own = rows[stream == number]
        edges = np.maximum.accumulate(np.stack([table.start_s[own], table.end_s[own]], 1).ravel())
        rates = getattr(table, COLUMNS[metric])[own] / (table.end_s[own] - table.start_s[own])
        cover = _integral(edges, np.ones(len(own)), starts, starts + round_s)
        amount = _integral(edges, rates, starts, starts + round_s)
        known = cover >= _HALF * round_s
        total += np.where(known, amount / np.where(known, cover, 1.0), np.nan)
    return total


def _grid(start_s: Floats, end_s: Floats, interval_s: float) -> tuple[Floats, Floats, Ints]:
    """Starts and ends of cells of about one interval, and the slice each was cut from."""
    length = end_s - start_s
    kept = np.flatnonzero(length >= interval_s / 2)
    parts = np.maximum(1, np.rint(length[kept] / interval_s)).astype(np.int64)
    source = np.repeat(kept, parts)
    offset = np.arange(len(source)) - np.repeat(np.cumsum(parts) - parts, parts)
    step = np.repeat(length[kept] / parts, parts)
    starts = start_s[source] + offset * step
    return starts, starts + step, source


def _integral(edges: Floats, rates: Floats, starts: Floats, ends: Floats) -> Floats:
    """What slices with these `rates` amount to between `starts` and `ends`.

    `edges` holds start and end of each slice in turn, never falling; between two slices
    nothing is known and nothing is added.
    """
    widths = np.diff(edges)
    widths[0::2] *= rates
    widths[1::2] = 0.0
    area = np.concatenate(([0.0], np.cumsum(widths)))
    result: Floats = np.interp(ends, edges, area) - np.interp(starts, edges, area)
    return result


def rows_between(table: IntervalTable, start_s: float, end_s: float) -> Mask:
    """Rows whose middle lies in the window (shape n): at most half a slice too much or too few."""
    middle = (table.start_s + table.end_s) / 2
    mask: Mask = (middle >= start_s) & (middle <= end_s)
    return mask
