"""A log's I/Os by interval of time: how many, how large, how long they took."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from storperf.fio.buckets import values_of
from storperf.model.fio_log import LogSlice
from storperf.stats.table import OPS

Ints = npt.NDArray[np.int64]

# One key holds interval, direction and bucket.
_PLACES = 1 << 11
_KEYS = len(OPS) * _PLACES
_MERGE_ABOVE = 1 << 20


class Slices:
    """Feeds on I/Os, gives a slice for each interval and direction that has any.

    Interval n holds what ended between n and n + 1 times `interval_ms` of the log's own time.
    `ns` is what the buckets count in (1000 for fio 2), 0 for a log that has no latencies.
    Memory grows with intervals and their buckets, never with I/Os.
    """

    def __init__(self, interval_ms: int, ns: int) -> None:
        self._interval_ms = interval_ms
        self._ns = ns
        self._keys = np.zeros(0, dtype=np.int64)
        self._sums = np.zeros((0, 2), dtype=np.int64)
        self._waiting: list[tuple[Ints, Ints]] = []
        self._waiting_keys = 0

    def add(self, time_ms: Ints, op: Ints, places: Ints, ios: Ints, moved_bytes: Ints) -> None:
        """Take in I/Os (shape n each): `ios` of them in the bucket at `places`."""
        number = time_ms // self._interval_ms
        keys, back = np.unique(number * _KEYS + op * _PLACES + places, return_inverse=True)
        sums = np.zeros((len(keys), 2), dtype=np.int64)
        np.add.at(sums[:, 0], back.reshape(-1), ios)
        np.add.at(sums[:, 1], back.reshape(-1), moved_bytes)
        self._wait(keys, sums)

    def absorb(self, other: Slices) -> None:
        """Take in all that another one of the same form holds."""
        other._merge()
        self._wait(other._keys, other._sums)

    def slices(self) -> Iterator[LogSlice]:
        """Every slice, oldest first."""
        self._merge()
        own, starts = np.unique(self._keys // _PLACES, return_index=True)
        ends = np.append(starts[1:], len(self._keys))
        for key, start, end in zip(own.tolist(), starts.tolist(), ends.tolist(), strict=True):
            yield self._slice(key, slice(start, end))

    def _slice(self, key: int, part: slice) -> LogSlice:
        number, op = divmod(key, len(OPS))
        ios, moved_bytes = self._sums[part].sum(axis=0).tolist()
        width_s = self._interval_ms / 1000
        values = self._ns * values_of(self._keys[part] % _PLACES)
        counts = self._sums[part, 0]
        bins = zip(values.tolist(), counts.tolist(), strict=True) if self._ns else ()
        return LogSlice(
            op=OPS[op].value,
            start_s=number * self._interval_ms / 1000,
            end_s=(number + 1) * self._interval_ms / 1000,
            ios=ios,
            iops=ios / width_s,
            bandwidth=moved_bytes / width_s if moved_bytes else None,
            bins=tuple(bins),
        )

    def _wait(self, keys: Ints, sums: Ints) -> None:
        self._waiting.append((keys, sums))
        self._waiting_keys += len(keys)
        if self._waiting_keys > _MERGE_ABOVE:
            self._merge()

    def _merge(self) -> None:
        parts = [(self._keys, self._sums), *self._waiting]
        keys, back = np.unique(np.concatenate([each[0] for each in parts]), return_inverse=True)
        sums = np.zeros((len(keys), 2), dtype=np.int64)
        np.add.at(sums, back.reshape(-1), np.concatenate([each[1] for each in parts]))
        self._keys, self._sums = keys, sums
        self._waiting, self._waiting_keys = [], 0
