"""Makes old entries coarser: ten seconds become one, from sums and merged histograms.

No percentile is averaged: the histogram of ten seconds is the sum of theirs, and the percentile
is taken of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from storperf.sinks.entries import Entry, Fold, Points, Slice
from storperf.sinks.points import Point

WINDOW_S = 10


def thin(read: Callable[[], Iterable[Entry]]) -> Iterator[Entry]:
    """The entries that `read` gives (it is called twice), coarser where a window is whole.

        A window is whole when its series went on beyond it; of the others the seconds stay as they
    are, for the next time.  A second that is there twice counts once: as it was given last, when
    that came right behind.
    """
    newest = _newest(read())
    slices: dict[str, _Slices] = {}
    values: dict[str, _Values] = {}
    for entry in read():
        if isinstance(entry, Slice):
            yield from _take_slice(slices, newest, entry)
        else:
            yield from _take_points(values, newest, entry)
    for window in slices.values():
        yield window.merged()
    yield from (_of_value(path, window) for path, window in values.items())


def _newest(entries: Iterable[Entry]) -> dict[str, int]:
    """The last second of each series."""
    newest: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry, Slice):
            newest[entry.path] = max(newest.get(entry.path, 0), entry.second)
        else:
            for path, _, second in entry.points:
                newest[path] = max(newest.get(path, 0), second)
    return newest


def _window(second: int) -> int:
    return second - second % WINDOW_S


def _is_whole(newest: dict[str, int], path: str, second: int) -> bool:
    return _window(newest[path]) > _window(second)


def _take_slice(
    slices: dict[str, _Slices], newest: dict[str, int], entry: Slice
) -> Iterator[Slice]:
    if entry.length_s >= WINDOW_S or not _is_whole(newest, entry.path, entry.second):
        yield entry
        return
    begun = slices.get(entry.path)
    if begun is not None and begun.start_s != _window(entry.second):
        yield begun.merged()
        begun = None
    if begun is None:
        begun = slices[entry.path] = _Slices(entry.path, entry.older, _window(entry.second))
    begun.add(entry)


def _take_points(
    values: dict[str, _Values], newest: dict[str, int], entry: Points
) -> Iterator[Points]:
    kept = []
    for point in entry.points:
        path, value, second = point
        if entry.fold is Fold.NEVER or not _is_whole(newest, path, second):
            kept.append(point)
            continue
        begun = values.get(path)
        if begun is not None and begun.start_s != _window(second):
            yield _of_value(path, begun)
            begun = None
        if begun is None:
            begun = values[path] = _Values(entry.fold, _window(second))
        begun.seconds[second] = value
    if kept:
        yield Points(fold=entry.fold, points=tuple(kept))


def _of_value(path: str, window: _Values) -> Points:
    return Points(fold=window.fold, points=(Point(path, window.value, window.start_s),))


@dataclass(slots=True)
class _Values:
    """One series' plain values in one window, by their second."""

    fold: Fold
    start_s: int
    seconds: dict[int, float | int] = field(default_factory=dict)

    @property
    def value(self) -> float | int:
        """Their mean, or the last one."""
        if self.fold is Fold.LAST:
            return self.seconds[max(self.seconds)]
        return sum(self.seconds.values()) / len(self.seconds)


class _Slices:
    """One stream's seconds in one window, added up."""

    def __init__(self, path: str, older: str, start_s: int) -> None:
        self.start_s = start_s
        self._path = path
        self._older = older
        self._seconds: set[int] = set()
        self._sums = [0.0] * 6
        self._ios_with_latency = 0
        self._bins: Counter[int] = Counter()
        self._last: Slice | None = None

    def add(self, entry: Slice) -> None:
        """Add a second, once; one that got another interval is given again at once, whole."""
        if self._last is not None and entry.second == self._last.second:
            self._last = entry
        elif entry.second not in self._seconds:
            self._add_last()
            self._seconds.add(entry.second)
            self._last = entry

    def _add_last(self) -> None:
        entry = self._last
        if entry is None:
            return
        amounts = (entry.duration_s, entry.ios, entry.bytes)
        latencies = (entry.clat_sum_ns, entry.slat_sum_ns, entry.lat_sum_ns)
        added = zip(self._sums, amounts + latencies, strict=True)
        self._sums = [known + more for known, more in added]
        self._ios_with_latency += entry.clat_count
        for value_ns, count in zip(entry.bins[::2], entry.bins[1::2], strict=True):
            self._bins[value_ns] += count

    def merged(self) -> Slice:
        """The window as one slice."""
        self._add_last()
        self._last = None
        duration_s, ios, size_bytes, clat, slat, lat = self._sums
        return Slice(
            path=self._path,
            older=self._older,
            second=self.start_s,
            length_s=WINDOW_S,
            duration_s=duration_s,
            ios=ios,
            bytes=size_bytes,
            clat_count=self._ios_with_latency,
            clat_sum_ns=clat,
            slat_sum_ns=slat,
            lat_sum_ns=lat,
            bins=tuple(number for pair in sorted(self._bins.items()) for number in pair),
        )
