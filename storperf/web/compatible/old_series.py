"""The samples of a window as the earlier StorPerf took them: averages since the trial began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from storperf.errors import StoreError
from storperf.model.ending import StorperfRule
from storperf.stats.storperf_rule import storperf_window
from storperf.stats.table import OPS, Floats, IntervalTable
from storperf.store.intervals import read_rows
from storperf.web.compatible.names import IO_TYPES, METRICS

_SAMPLE_S = 60.0
_SHARE = 0.10
_FEWEST = 2

# Metric, direction: the samples, oldest first, in the old units.
Samples = Mapping[tuple[str, str], list[float]]


def samples_of(path: Path) -> Samples:
    """One value a minute of each metric and direction; empty without a kept interval file."""
    try:
        table = read_rows(path)
    except StoreError:
        # Retention takes intervals; the summaries stay.
        return {}
    if not len(table):
        return {}
    return {
        (metric, io_type): values
        for io_type in IO_TYPES
        for metric, values in _of_direction(table, io_type).items()
    }


def _of_direction(table: IntervalTable, io_type: str) -> dict[str, list[float]]:
    """Sums over agents and targets of whole minutes, each over all time since the first."""
    begun_s = float(table.start_s.min())
    minutes = int((float(table.end_s.max()) - begun_s) // _SAMPLE_S)
    is_own = table.op == [each.value for each in OPS].index(io_type)
    # An interval belongs to the minute in which it ended.
    minute = ((table.end_s[is_own] - begun_s) / _SAMPLE_S - 1e-9).astype(np.int64)

    def total(amounts: Any) -> Floats:
        sums = np.bincount(np.maximum(minute, 0), weights=amounts[is_own], minlength=minutes)
        return np.cumsum(sums[:minutes], dtype=np.float64)

    elapsed_s = _SAMPLE_S * np.arange(1, minutes + 1)
    count = total(table.clat_count)
    latency = np.divide(total(table.lat_sum_ns), count, out=np.zeros(minutes), where=count > 0)
    found = {
        "iops": total(table.ios) / elapsed_s,
        "bandwidth": total(table.bytes) / elapsed_s,
        "lat_mean": latency,
    }
    return {name: [float(v * factor) for v in found[ours]] for name, ours, factor in METRICS}


def described(values: Sequence[float], samples: int) -> dict[str, Any]:
    """A series with slope, range and average, over the last `samples` samples.

    `steady_state` is the old rule's word for a whole window.
    """
    last = list(values[-samples:])
    first = len(values) - len(last) + 1
    numbers = list(range(first, first + len(last)))
    if len(last) < _FEWEST:
        # No line goes through one point alone.
        average = last[0] if last else None
        series = [[number, average] for number in numbers]
        none = {"slope": None, "range": None, "steady_state": False}
        return {**none, "series": series, "average": average}
    window = storperf_window(last, StorperfRule(samples=len(last)))
    middle = (numbers[0] + numbers[-1]) / 2
    return {
        "series": [list(pair) for pair in zip(numbers, last, strict=True)],
        "slope": window.slope,
        "range": window.range,
        "average": window.average,
        "steady_state": window.is_steady and len(last) >= samples,
        "series_slope": [[n, window.average + window.slope * (n - middle)] for n in numbers],
        "series_min": [[n, window.average * (1 - _SHARE)] for n in numbers],
        "series_max": [[n, window.average * (1 + _SHARE)] for n in numbers],
    }
