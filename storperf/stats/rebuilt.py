"""A trial's intervals put together again from points of whole seconds, as a Graphite keeps them.

A point tells rates and means over one interval, and the second in which that ended; neither its
exact end nor its exact length.  So what is computed from it agrees with the trial's own figures to
within what one interval more or less at either end would change (`grid_limit`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from storperf.model.job import Op
from storperf.stats.table import OPS, Floats, IntervalTable

# (agent, target, direction) to metric to second to value.
Stream = tuple[str, int, Op]
Streams = Mapping[Stream, Mapping[str, Mapping[int, float]]]

RATES = {"ios": "iops", "bytes": "bandwidth"}
SUMS = {"clat_sum_ns": "clat_mean", "slat_sum_ns": "slat_mean", "lat_sum_ns": "lat_mean"}
# Of the points; and two more, because streams do not begin and end in the same second.
_MOST_MISSING = 0.1
_ENDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of the time of a trial its points cover, of the stream that covers least."""

    seconds: int
    expected: int

    @property
    def is_whole(self) -> bool:
        """Whether no more is missing than at the ends, and a tenth of a long trial."""
        return self.seconds > 0 and self.seconds >= min(
            self.expected - _ENDS, (1 - _MOST_MISSING) * self.expected
        )


def rebuilt_table(
    streams: Streams, seconds: Collection[int], length_s: float, most_rows: int | None = None
) -> IntervalTable:
    """Rows of the points in `seconds`, each as one interval of `length_s` that ended there.

    No more than `most_rows` a stream, where it is known how many whole intervals there were: what
    is beyond is the stub of fio's end.  There are no histograms.  Counts are rounded so that
    their sums are off by less than one.
    """
    agents = tuple(sorted({agent for agent, _, _ in streams}))
    parts: list[dict[str, Any]] = []
    for (agent, target, op), metrics in sorted(streams.items()):
        rates = metrics.get("iops", {})
        kept = sorted(second for second in rates if second in seconds)[:most_rows]
        if not kept:
            continue
        count = len(kept)
        ends = np.array(kept, dtype=np.float64) + 0.5
        columns: dict[str, Any] = {
            "agent": np.full(count, agents.index(agent), dtype=np.int64),
            "target": np.full(count, target, dtype=np.int64),
            "op": np.full(count, OPS.index(op), dtype=np.int64),
            "index": np.arange(count, dtype=np.int64),
            "start_s": ends - length_s,
            "end_s": ends,
            "duration_s": np.full(count, length_s),
        }
        for column, metric in RATES.items():
            columns[column] = _counts(_values(metrics, metric, kept) * length_s)
        columns["clat_count"] = columns["ios"]
        for column, metric in SUMS.items():
            columns[column] = _values(metrics, metric, kept) * columns["ios"]
        parts.append(columns)
    return _table(agents, parts)


def coverage(
    streams: Streams, seconds: Collection[int], length_s: float, at_least: int = 0
) -> Coverage:
    """How many points the emptiest stream has, of those between the first and the last second.

    `at_least` is how many a trial of fixed length must have.
    """
    if not seconds or not streams:
        return Coverage(seconds=0, expected=max(1, at_least))
    expected = max(at_least, round((max(seconds) - min(seconds)) / length_s) + 1)
    least = min(
        sum(second in seconds for second in metrics.get("iops", {})) for metrics in streams.values()
    )
    return Coverage(seconds=least, expected=expected)


def grid_limit(values: Floats) -> float:
    """How far a mean moves at most (as a share) by an interval more or less at either end.

    `values` is the series that the mean is of; 1 when there are too few to tell.
    """
    mean = float(np.mean(values)) if len(values) else 0.0
    if len(values) < 2 or mean <= 0:
        return 1.0
    return float(2 * (values.max() - values.min()) / (len(values) * mean))


def largest(  # noqa: PLR0913, PLR0917 - which values of which stretch
    streams: Streams,
    op: Op,
    metric: str,
    seconds: Collection[int],
    length_s: float,
    window_s: tuple[float, float],
) -> float | None:
    """The largest value of a metric over the rows whose middle lies in the window, or None.

    The largest of largest is the largest; for no other figure is that so.
    """
    late_s = 0.5 - length_s / 2
    return max(
        (
            value
            for (_, _, own), metrics in streams.items()
            if own is op
            for second, value in metrics.get(metric, {}).items()
            if second in seconds and window_s[0] <= second + late_s <= window_s[1]
        ),
        default=None,
    )


def _values(
    metrics: Mapping[str, Mapping[int, float]], metric: str, seconds: Collection[int]
) -> Floats:
    known = metrics.get(metric, {})
    return np.array([known.get(second, 0.0) for second in seconds], dtype=np.float64)


def _counts(amounts: Floats) -> Any:
    """Whole numbers whose running sum is never off by more than a half."""
    return np.diff(np.rint(np.cumsum(amounts)), prepend=0.0).astype(np.int64)


def _table(agents: tuple[str, ...], parts: list[dict[str, Any]]) -> IntervalTable:
    if not parts:
        return IntervalTable.from_intervals(())
    columns: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    count = len(columns["index"])
    return IntervalTable(
        agents=agents,
        bin_offset=np.zeros(count + 1, dtype=np.int64),
        bin_value_ns=np.zeros(0, dtype=np.int64),
        bin_count=np.zeros(0, dtype=np.int64),
        **columns,
    )
