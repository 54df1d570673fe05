"""From the model's values to points: a path, a plain finite number, a whole second.

Graphite keeps one value a second and series.  Slices shorter than that are merged as what they
are: I/Os and bytes over the time they took, histograms bucket by bucket; never an average of
percentiles.  What is missing or no number yields no point.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.model.metric import PERCENTILES
from storperf.sinks.paths import PREFIX, HostSeries, LoadSeries, Series, render_path

# whisper keeps the time in 32 bits.
_LAST_SECOND = 2**32 - 1


_Key = TypeVar("_Key")
_Slice = TypeVar("_Slice", Interval, SensorSample)


class Point(NamedTuple):
    """One value of one series."""

    path: str
    value: int | float
    second: int


class Place(NamedTuple):
    """Whose points they are."""

    lab: str
    job: str
    side: str


def point_of(series: Series, value: object, at_s: float, prefix: str = PREFIX) -> tuple[Point, ...]:
    """One point, or none when the value is no finite number or the time none that can be kept."""
    number = plain_number(value)
    if number is None or not math.isfinite(at_s) or not 0 < at_s <= _LAST_SECOND:
        return ()
    return (Point(render_path(series, prefix), number, int(at_s)),)


def plain_number(value: object) -> int | float | None:
    """An int or a finite float of Python's own; None for everything else, True included."""
    # numpy's numbers are registered there, its truth values are not.
    match value:
        case bool():
            return None
        case numbers.Integral():
            return int(value)
        case numbers.Real() if math.isfinite(value):
            return float(value)
    return None


class SecondMerger:
    """Collects what one run's agents report, until the second that it belongs to is over."""

    def __init__(self, place: Place, prefix: str = PREFIX) -> None:
        self._place = place
        self._prefix = prefix
        self._slices: dict[tuple[str, int, Op], list[Interval]] = {}
        self._samples: dict[str, list[SensorSample]] = {}

    def feed(self, interval: Interval) -> tuple[Point, ...]:
        """The points of the stream's second before, once a slice of a later one has come."""
        stream = (interval.agent, interval.target, interval.op)
        return self._of_slices(_taken(self._slices, stream, interval))

    def feed_sample(self, sample: SensorSample) -> tuple[Point, ...]:
        """The same for the figures of an agent's host."""
        return self._of_samples(_taken(self._samples, sample.agent, sample))

    def flush(self) -> tuple[Point, ...]:
        """The points of every stream's last second."""
        slices, self._slices = list(self._slices.values()), {}
        return tuple(point for kept in slices for point in self._of_slices(kept))

    def flush_samples(self) -> tuple[Point, ...]:
        """The points of every host's last second."""
        samples, self._samples = list(self._samples.values()), {}
        return tuple(point for kept in samples for point in self._of_samples(kept))

    def _of_slices(self, slices: Sequence[Interval]) -> tuple[Point, ...]:
        points: list[Point] = []
        for metric, value in figures_of(slices):
            last = slices[-1]
            series = LoadSeries(
                **self._place._asdict(),
                agent=last.agent,
                target=f"target-{last.target}",
                op=last.op.value,
                metric=metric,
            )
            points += point_of(series, value, last.end_s, self._prefix)
        return tuple(points)

    def _of_samples(self, samples: Sequence[SensorSample]) -> tuple[Point, ...]:
        points: list[Point] = []
        for sensor, value in means_of(samples):
            last = samples[-1]
            series = HostSeries(**self._place._asdict(), agent=last.agent, sensor=sensor)
            points += point_of(series, value, last.end_s, self._prefix)
        return tuple(points)


def _taken(kept: dict[_Key, list[_Slice]], key: _Key, new: _Slice) -> list[_Slice]:
    """Keep a slice; those before it, once it belongs to another second than they."""
    before = kept.setdefault(key, [])
    if not before or int(before[0].end_s) == int(new.end_s):
        before.append(new)
        return []
    kept[key] = [new]
    return before


def figures_of(slices: Sequence[Interval]) -> Iterator[tuple[str, float]]:
    """The metrics of model.METRICS of one stream over some of its slices together.

    A figure that the slices do not hold is left out: no latency without completions, no slat
    where fio does not measure it.
    """
    if not slices:
        return
    duration_s = sum(each.duration_s for each in slices)
    if duration_s > 0:
        yield "iops", sum(each.ios for each in slices) / duration_s
        yield "bandwidth", sum(each.bytes for each in slices) / duration_s
    count = sum(each.clat_count for each in slices)
    for metric in ("clat", "slat", "lat"):
        total_ns = sum(getattr(each, f"{metric}_sum_ns") for each in slices)
        if count > 0 and total_ns > 0:
            yield f"{metric}_mean", total_ns / count
    # numpy is heavy: not before fio has started.
    import numpy as np

    from storperf.stats.histogram import merge_bins, percentile_nearest_rank

    pairs = [pair for each in slices for pair in each.bins]
    if not pairs:
        return
    columns = np.array(pairs, dtype=np.int64)
    values_ns, counts = merge_bins(columns[:, 0], columns[:, 1])
    if len(values_ns):
        for key, q in PERCENTILES.items():
            yield f"clat_{key}", percentile_nearest_rank(values_ns, counts, q)
        yield "clat_max", int(values_ns[-1])


def means_of(samples: Sequence[SensorSample]) -> Iterator[tuple[str, float]]:
    """Each sensor's mean over the samples, weighted by their time, which for a rate is exact."""
    sums: dict[str, tuple[float, float]] = {}
    for sample in samples:
        length_s = sample.end_s - sample.start_s
        for sensor, value in sample.figures:
            total, time_s = sums.get(sensor, (0.0, 0.0))
            sums[sensor] = (total + value * length_s, time_s + length_s)
    for sensor, (total, time_s) in sums.items():
        if time_s > 0:
            yield sensor, total / time_s
