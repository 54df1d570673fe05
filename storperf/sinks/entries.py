"""What a spool holds: values, not points, so that coarser points can still be made of them.

A slice is what one stream did in a second, with its histogram; its points are made when they are
sent.  Points stand for themselves; `fold` says what ten seconds of them come to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import accumulate

import msgspec

from storperf.agent import frames
from storperf.model.interval import Interval
from storperf.model.metric import PERCENTILES
from storperf.sinks.older_paths import OLDER_METRICS
from storperf.sinks.points import Point
from storperf.sinks.series_names import OUTSTANDING

# A kind of its own, so that no spool is taken for a journal.
_FRAME = 16
_NS = 1e9


class Fold(StrEnum):
    """What the points of one series over ten seconds come to."""

    MEAN = "mean"
    LAST = "last"
    NEVER = "never"


class Slice(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="slice"
):  # array_like: no field names in the file
    """What one stream did in `length_s` seconds from `second` on; sums, so that it can be merged.

    `path` is the series' path without the metric, `older` the same in the older StorPerf's layout
    or empty.  `bins` is flat: bucket (ns), count, bucket, count ...
    """

    path: str
    older: str
    second: int
    length_s: int
    duration_s: float
    ios: float
    bytes: float
    clat_count: int
    clat_sum_ns: float
    slat_sum_ns: float
    lat_sum_ns: float
    bins: tuple[int, ...]


# A point's path, value and second; making a Point of it costs more than reading it.
Row = tuple[str, float | int, int]


class Points(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False, tag="points"):
    """Points that are sent as they are."""

    fold: Fold
    points: tuple[Row, ...]


Entry = Slice | Points

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)


def encode(entry: Entry) -> bytes:
    """An entry as a frame, with its length and its checksum."""
    return frames.wrap(_FRAME, _ENCODER.encode(entry))


def decode(kind: int, payload: bytes) -> Entry:
    """The entry in a frame; FrameError when it holds none."""
    if kind != _FRAME:
        raise frames.FrameError(f"a frame of kind {kind} is no entry of a spool")
    try:
        found: Entry = _DECODER.decode(payload)
    except msgspec.MsgspecError as error:
        raise frames.FrameError(f"a frame holds no entry of a spool: {error}") from error
    return found


def slice_of(
    path: str, older: str, second: int, intervals: Sequence[Interval], length_s: int = 1
) -> Slice:
    """Intervals of one stream as one slice: sums of sums, one histogram."""
    return Slice(
        path=path,
        older=older,
        second=second,
        length_s=length_s,
        duration_s=sum(each.duration_s for each in intervals),
        ios=sum(each.ios for each in intervals),
        bytes=sum(each.bytes for each in intervals),
        clat_count=sum(each.clat_count for each in intervals),
        clat_sum_ns=sum(each.clat_sum_ns for each in intervals),
        slat_sum_ns=sum(each.slat_sum_ns for each in intervals),
        lat_sum_ns=sum(each.lat_sum_ns for each in intervals),
        bins=flat_bins(each.bins for each in intervals),
    )


def flat_bins(histograms: Iterable[Iterable[tuple[int, int]]]) -> tuple[int, ...]:
    """Histograms as one, each bucket once and ascending, flat."""
    merged: Counter[int] = Counter()
    for histogram in histograms:
        for value_ns, count in histogram:
            merged[value_ns] += count
    return tuple(number for pair in sorted(merged.items()) if pair[1] > 0 for number in pair)


def figures_of(found: Slice) -> Iterator[tuple[str, float]]:
    """The metrics of model.METRICS and `outstanding`, of a slice.

    A figure that the slice does not hold is left out: no latency without completions, no slat
    where fio does not measure it.  `outstanding` is by Little's law: the sum of all latencies
    over the time is how many I/Os were in flight on average.
    """
    if found.duration_s > 0:
        yield "iops", found.ios / found.duration_s
        yield "bandwidth", found.bytes / found.duration_s
    if found.clat_count > 0:
        for metric in ("clat", "slat", "lat"):
            total_ns = getattr(found, f"{metric}_sum_ns")
            if total_ns > 0:
                yield f"{metric}_mean", total_ns / found.clat_count
        if found.duration_s > 0 and found.lat_sum_ns > 0:
            yield OUTSTANDING, found.lat_sum_ns / _NS / found.duration_s
    if not found.bins:
        return
    # numpy comes with it: not before fio has started.
    from storperf.stats.histogram import nearest_rank

    values_ns, ranks = found.bins[::2], list(accumulate(found.bins[1::2]))
    for key, q in PERCENTILES.items():
        yield f"clat_{key}", values_ns[bisect_left(ranks, nearest_rank(ranks[-1], q))]
    yield "clat_max", values_ns[-1]


def count_of(entry: Entry) -> int:
    """How many points an entry comes to, without making them."""
    if isinstance(entry, Points):
        return len(entry.points)
    return sum(2 if _is_older(entry, metric) else 1 for metric in _metrics_of(entry))


def points_of(entry: Entry) -> list[Point]:
    """The points of an entry."""
    return [Point(*row) for row in rows_of(entry)]


def rows_of(entry: Entry) -> Sequence[Row]:
    """The points of an entry as plain tuples."""
    if isinstance(entry, Points):
        return entry.points
    points = []
    for metric, value in figures_of(entry):
        points.append((f"{entry.path}.{metric}", value, entry.second))
        if _is_older(entry, metric):
            name, factor = OLDER_METRICS[metric]
            points.append((f"{entry.older}.{name}", value * factor, entry.second))
    return points


def _is_older(entry: Slice, metric: str) -> bool:
    return bool(entry.older) and metric in OLDER_METRICS


def _metrics_of(entry: Slice) -> Iterator[str]:
    """The names that `figures_of` gives, at little cost."""
    if entry.duration_s > 0:
        yield from ("iops", "bandwidth")
    if entry.clat_count > 0:
        for metric in ("clat", "slat", "lat"):
            if getattr(entry, f"{metric}_sum_ns") > 0:
                yield f"{metric}_mean"
        if entry.duration_s > 0 and entry.lat_sum_ns > 0:
            yield OUTSTANDING
    if entry.bins:
        yield from (f"clat_{key}" for key in PERCENTILES)
        yield "clat_max"
