"""Exact figures of very many values, of one direction of a log: count, sum, ends, percentiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from storperf.fio.buckets import PLACES_NS, places_of, values_of
from storperf.model.fio_log import Exactness
from storperf.stats.histogram import nearest_rank, percentile_nearest_rank

Unsigned = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

# So many values are kept, 4 bytes each (8 where one is over 2**32, which is 4.3 s); of more
# only their buckets are, so that memory has an end: 128 MiB, twice that while they are ranked.
MOST_VALUES = 1 << 25
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999}


class Tally:
    """Feeds on values, of which it keeps each up to `most`, or on counts of fio's buckets.

    `bucket_unit` is what one is in the values of buckets: 1000 where they count us and values
    are to be ns.  `total` is the sum of the values; it is known only while `is_exact`.
    """

    def __init__(self, bucket_unit: int = 1, most: int = MOST_VALUES) -> None:
        self.count = 0
        self.total = 0
        self.bytes = 0
        self.minimum = 0
        self.maximum = 0
        self.exactness = Exactness.VALUES
        self._unit = bucket_unit
        self._most = most
        self._kept: list[npt.NDArray[np.unsignedinteger]] = []
        self._buckets = np.zeros(PLACES_NS, dtype=np.int64)

    def add(self, values: Unsigned, moved_bytes: int) -> None:
        """Take in values, and the bytes that their I/Os moved."""
        if not len(values):
            return
        ends = int(values.min()), int(values.max())
        self._count_in(len(values), int(values.sum()), moved_bytes, ends)
        self._kept.append(values.astype(np.uint32 if ends[1] < 1 << 32 else np.uint64))
        if self.count > self._most:
            self._keep_buckets_only()

    def add_buckets(self, counts: Ints) -> None:
        """Take in the count of each bucket (shape PLACES_NS)."""
        places = np.flatnonzero(counts)
        if not len(places):
            return
        low, high = (self._unit * values_of(places[[0, -1]])).tolist()
        self._count_in(int(counts.sum()), 0, 0, (low, high))
        self._buckets += counts
        self._keep_buckets_only()

    def absorb(self, other: Tally) -> None:
        """Take in all that another one of the same unit holds, which stays as it is."""
        if not other.count:
            return
        ends = other.minimum, other.maximum
        self._count_in(other.count, other.total, other.bytes, ends)
        self._kept += other._kept
        self._buckets += other._buckets
        if Exactness.BUCKETS in {self.exactness, other.exactness} or self.count > self._most:
            self._keep_buckets_only()

    def bins(self) -> tuple[Ints, Ints]:
        """Value and count of each bucket that has any; nothing while values are kept."""
        places = np.flatnonzero(self._buckets)
        return self._unit * values_of(places), self._buckets[places]

    def percentiles(self) -> tuple[tuple[str, int], ...]:
        """Name and value of each of PERCENTILES, nearest rank; of buckets the bucket's value."""
        if not self.count:
            return ()
        if self.exactness is Exactness.BUCKETS:
            found = [percentile_nearest_rank(*self.bins(), q) for q in PERCENTILES.values()]
        else:
            found = list(self._ranked())
        return tuple(zip(PERCENTILES, found, strict=True))

    def _ranked(self) -> Iterator[int]:
        """The values at the ranks of PERCENTILES, which rise."""
        rest, below = np.concatenate(self._kept), 0
        for q in PERCENTILES.values():
            rank = nearest_rank(self.count, q)
            # One place after the other in what is left: ten times as fast as all at once.
            rest.partition(rank - 1 - below)
            yield int(rest[rank - 1 - below])
            rest, below = rest[rank - 1 - below :], rank - 1

    def _count_in(self, count: int, total: int, moved_bytes: int, ends: tuple[int, int]) -> None:
        self.minimum = min(self.minimum, ends[0]) if self.count else ends[0]
        self.maximum = max(self.maximum, ends[1])
        self.count += count
        self.total += total
        self.bytes += moved_bytes

    def _keep_buckets_only(self) -> None:
        for values in self._kept:
            self._buckets += np.bincount(places_of(values // self._unit), minlength=PLACES_NS)
        self._kept = []
        self.exactness = Exactness.BUCKETS
