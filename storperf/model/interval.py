"""Intervals and sensor samples as the manager receives them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from storperf.model.job import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One reporting slice of a trial on one agent, target and direction.

    All figures belong to this slice alone (differences of fio's cumulative counters).
    `start_s` and `end_s` are epoch seconds on the agent's steady clock; `duration_s`
    is fio's own runtime of the slice and is what rates are divided by.
    Latency sums are in ns over `clat_count` I/Os; `bins` maps fio's bucket value (ns)
    to the count of this slice.  A slice without completions has empty `bins`.
    """

    trial: str
    attempt: int
    agent: str
    target: int
    op: Op
    index: int
    start_s: float
    end_s: float
    duration_s: float
    ios: int
    bytes: int
    clat_count: int
    clat_sum_ns: float
    slat_sum_ns: float
    lat_sum_ns: float
    bins: tuple[tuple[int, int], ...]

    @property
    def iops(self) -> float:
        """Operations per second in this slice."""
        return self.ios / self.duration_s

    @property
    def bandwidth_bytes_per_s(self) -> float:
        """Bytes per second in this slice."""
        return self.bytes / self.duration_s

    def clat_percentile_nearest_rank_ns(self, share: float) -> int | None:
        """Completion latency that `share` of this slice's I/Os keep to; None without any.

        Nearest rank over fio's buckets.  For a look while it runs: a trial's percentiles come
        from merged histograms.
        """
        rank = math.ceil(share * sum(count for _, count in self.bins))
        for value_ns, count in sorted(self.bins):
            rank -= count
            if rank <= 0:
                return value_ns
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSample:
    """Host figures of one slice on one agent; rates are per second of the slice.

    Names are the keys of docs/reference/sensors.md; a figure the host lacks is absent.
    `probe` is the user's probe that gave the figures; its times are those of the command.
    """

    trial: str | None
    agent: str
    start_s: float
    end_s: float
    figures: tuple[tuple[str, float], ...]
    probe: str | None = None
