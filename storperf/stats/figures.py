"""The metrics of model.METRICS from a table's rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from storperf.model.job import Op
from storperf.model.metric import PERCENTILES
from storperf.model.run import Summary
from storperf.stats.batch import BatchMeans, batch_interval
from storperf.stats.histogram import Bins, percentile_nearest_rank
from storperf.stats.series import COLUMNS, seconds, stream_numbers, summed_columns
from storperf.stats.table import IntervalTable

LATENCY_SUMS = {"clat_mean": "clat_sum_ns", "slat_mean": "slat_sum_ns", "lat_mean": "lat_sum_ns"}


def summaries_of_op(  # noqa: PLR0913 - the parts of a summary's key, by keyword
    table: IntervalTable,
    op: Op,
    histogram: Bins | None,
    *,
    trial_id: str,
    agent: str,
    interval_s: float,
) -> Iterator[Summary]:
    """Every metric that one direction's I/Os support; nothing at all without I/O.

    `table` holds the rows to summarise: one agent's, or all agents' for `all`; `histogram` is
    the merged one of these rows, None when they have none.
    """
    rows = table.of_op(op)
    if rows.ios.sum() == 0:
        return

    def summary(metric: str, value: float, interval: BatchMeans | None = None) -> Summary:
        half = None if interval is None else interval.half_width
        low, high = (None, None) if half is None else (value - half, value + half)
        return Summary(
            trial=trial_id,
            agent=agent,
            op=op.value,
            metric=metric,
            value=value,
            low=low,
            high=high,
        )

    for metric, column in COLUMNS.items():
        series = summed_columns(rows, op, (column,), interval_s)[1]
        yield summary(metric, summed_rate(rows, column), batch_interval(series))
    for metric, column in LATENCY_SUMS.items():
        total = float(getattr(rows, column).sum())
        # A sum of zero over real I/Os is fio not measuring it (slat with sync engines).
        if rows.clat_count.sum() > 0 and total > 0:
            _, sums, counts = summed_columns(rows, op, (column, "clat_count"), interval_s)
            mean = total / float(rows.clat_count.sum())
            yield summary(metric, mean, batch_interval(sums, counts))
    if histogram is not None and len(histogram[0]):
        for key, q in PERCENTILES.items():
            yield summary(f"clat_{key}", float(percentile_nearest_rank(*histogram, q)))
        yield summary("clat_max", float(histogram[0][-1]))


def summed_rate(rows: IntervalTable, column: str) -> float:
    """Sum over the streams of each one's amount per second, over the rows of one direction.

    A stream's rate is all its I/Os over all its time, never the mean of its slices' rates:
    slices differ in length (fio's first lasts about 0.9 s, its last 0.1 s), and a mean would
    let the short ones count too much.  Each stream is divided by its own time, so that two
    agents whose slices begin at different moments are both right.
    """
    stream = stream_numbers(rows)
    amount = np.bincount(stream, weights=getattr(rows, column).astype(np.float64))
    time_s = np.bincount(stream, weights=seconds(rows))
    alive = time_s > 0
    return float((amount[alive] / time_s[alive]).sum())
