"""Latency histograms in fio's own buckets.

fio counts completions in buckets of 64 an octave (stat.h, FIO_IO_U_PLAT_BITS 6); a value
is off by at most 1/128.  A bucket is named by one value in ns, the key of json+ `bins`.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from storperf.stats.table import IntervalTable, Ints

Bins = tuple[Ints, Ints]


def merge_bins(values_ns: Ints, counts: Ints) -> Bins:
    """Every bucket once, ascending, with the sum of its counts; empty buckets are left out.

    Both arrays have one length; buckets may come in any order and more than once, so that
    merging histograms is concatenating them.  Counts are added, which is exact: the merged
    histogram is that of all I/Os together, which no average of percentiles is.
    """
    if len(values_ns) != len(counts):
        raise ValueError(f"{len(values_ns)} buckets with {len(counts)} counts")
    if np.any(counts < 0):
        raise ValueError("a histogram with a negative count: cumulative documents were mixed up")
    unique, position = np.unique(values_ns, return_inverse=True)
    sums = np.zeros(len(unique), dtype=np.int64)
    np.add.at(sums, position, counts)
    return unique[sums > 0], sums[sums > 0]


def merge_rows(table: IntervalTable, before: Bins | None = None) -> Bins:
    """The histogram of all I/Os of all rows of `table`, as `merge_bins` gives it.

    `before` is one that is added: that of the rows of an earlier piece of the trial.
    """
    if before is None:
        return merge_bins(table.bin_value_ns, table.bin_count)
    values = np.concatenate((before[0], table.bin_value_ns))
    return merge_bins(values, np.concatenate((before[1], table.bin_count)))


def percentile_nearest_rank(values_ns: Ints, counts: Ints, q: float) -> int:
    """The smallest bucket at or below which a share `q` (0 < q <= 1) of all I/Os lies, in ns.

    `values_ns` ascends, as `merge_bins` gives it.  This is fio's own rule (stat.c,
    calc_clat_percentiles: the first bucket with `sum >= percent / 100.0 * nr`), so that the result
    is fio's figure to the nanosecond.  fio's `percent` is a double, so that 99.9 is a little
    more than 999 in 1000; the rest of it is exact here: in long doubles 60 % of 400 would be more
    than 240 (fio 3.33 prints the bucket of the 240th; 5151 percentiles compared, none differs).
    Raises ValueError when there are no I/Os: no data has no percentile.
    """
    if not 0 < q <= 1:
        raise ValueError(f"a percentile is a share above 0 and up to 1, not {q}")
    total = int(counts.sum())
    if total == 0:
        raise ValueError("no I/O has no percentile")
    return int(values_ns[int(np.searchsorted(np.cumsum(counts), nearest_rank(total, q)))])


def nearest_rank(total: int, q: float) -> int:
    """The rank, 1 to `total`, of the value that a share `q` (0 < q <= 1) of `total` reaches."""
    # fio divides the percentage; 0.999 * 1000 in doubles would be another rank than 99.9 %.
    percent = float(round(q * 100, 10))
    return max(1, math.ceil(Fraction(percent) * int(total) / 100))
