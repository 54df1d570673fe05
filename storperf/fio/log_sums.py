"""What the lines of a log add up to, by direction and by interval."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from storperf.fio.buckets import places_of
from storperf.fio.hist_lines import HistRow
from storperf.fio.log_kind import LogForm
from storperf.fio.log_lines import Rows
from storperf.fio.log_slices import Slices
from storperf.fio.log_tally import Tally
from storperf.model.fio_log import Exactness, LogFigures, LogKind, LogSlice
from storperf.stats.table import OPS

# As milliseconds since a start this would be three years, as an epoch it is 1973.
_EPOCH_MS = 10**11


class LogSums:
    """Feeds on the rows of a log; memory is what `Tally` keeps and, if asked for, `Slices`.

    `first_ms` and `last_ms` are the times of its first line and its last, `window_ms` is the
    shortest time between two lines of one direction, where each is of a window of time.
    """

    def __init__(self, form: LogForm, interval_ms: int | None) -> None:
        # Single values are turned into ns as they come; windows have buckets of the file's unit.
        self._is_histogram = form.kind is LogKind.HISTOGRAM
        bucket_ns = form.ns if self._is_histogram else min(form.ns, 1)
        self._form = form
        self.first_ms = self.last_ms = -1
        self.window_ms = 0
        self._has_blocks = False
        self._tallies = [Tally(max(bucket_ns, 1)) for _ in OPS]
        self._interval_ms = interval_ms or 0
        self._slices = Slices(interval_ms, bucket_ns) if interval_ms else None
        self._ends_ms = [-1 for _ in OPS]

    @property
    def is_epoch(self) -> bool:
        """Whether its times count from 1970 (log_unix_epoch), not from the start of fio."""
        return self.first_ms >= _EPOCH_MS

    @property
    def averaged_ms(self) -> int:
        """How much time each line is the average of (log_avg_msec); 0 when each is one I/O.

        fio writes a block size of 0 there.  1 where a single line leaves the time unknown.
        """
        return 0 if self._is_histogram or self._has_blocks else max(1, self.window_ms)

    def add_rows(self, rows: Rows) -> None:
        """Take in lines of single values."""
        values = rows.value * np.uint64(self._form.ns) if self._form.ns > 1 else rows.value
        self._pass_time(*rows.ends_ms())
        self._has_blocks = self._has_blocks or bool(rows.block_bytes.any())
        if not self._has_blocks:
            for number in range(len(OPS)):
                self._look_at_windows(number, rows.time_ms()[rows.op == number].tolist())
        for number, tally in enumerate(self._tallies):
            # By places, not by a mask: four times as fast where directions are mixed.
            own = np.flatnonzero(rows.op == number)
            tally.add(values.take(own), int(rows.block_bytes.take(own).sum()))
        if self._slices is not None:
            self._slices.add(
                rows.time_ms().astype(np.int64),
                rows.op.astype(np.int64),
                places_of(values) if self._form.ns else np.zeros(len(rows), dtype=np.int64),
                np.ones(len(rows), dtype=np.int64),
                rows.block_bytes.astype(np.int64),
            )

    def add_window(self, row: HistRow) -> None:
        """Take in a line of a histogram log: it belongs to the interval that holds its middle."""
        self._pass_time(row.time_ms, row.time_ms)
        before_ms = self._ends_ms[row.op]
        self._look_at_windows(row.op, [row.time_ms])
        self._tallies[row.op].add_buckets(row.counts)
        places = np.flatnonzero(row.counts)
        if self._slices is not None and len(places):
            if before_ms < 0:
                before_ms = row.time_ms if self.is_epoch else 0
            # fio is some ms late with a window.  After a stall its I/Os ended at its end.
            length_ms = min(row.time_ms - before_ms, self._interval_ms)
            self._slices.add(
                np.full(len(places), row.time_ms - length_ms // 2),
                np.full(len(places), row.op),
                places,
                row.counts[places],
                np.zeros(len(places), dtype=np.int64),
            )

    def absorb(self, other: LogSums) -> None:
        """Take in all that another log of the same form and intervals adds up to."""
        self.first_ms = min(self.first_ms, other.first_ms)
        self.last_ms = max(self.last_ms, other.last_ms)
        self._has_blocks = self._has_blocks or other._has_blocks
        for tally, added in zip(self._tallies, other._tallies, strict=True):
            tally.absorb(added)
        if self._slices is not None and other._slices is not None:
            self._slices.absorb(other._slices)

    def figures(self) -> Iterator[LogFigures]:
        """Figures of each direction that has any line.

        Averages have no percentile that would be one of I/Os; the mean is that of I/Os, or of
        equal windows of bandwidth or IOPS, or there is none.
        """
        is_averaged = self.averaged_ms > 0
        is_mean = self._form.kind.is_latency != is_averaged
        for op, tally in zip(OPS, self._tallies, strict=True):
            if tally.count:
                is_exact = tally.exactness is Exactness.VALUES
                has_ranks = self._form.kind.is_latency and not is_averaged
                bins = zip(*(each.tolist() for each in tally.bins()), strict=True)
                yield LogFigures(
                    op=op.value,
                    count=tally.count,
                    bytes=tally.bytes if self._has_blocks else None,
                    minimum=tally.minimum,
                    maximum=tally.maximum,
                    mean=tally.total / tally.count if is_mean and not self._is_histogram else None,
                    percentiles=tally.percentiles() if has_ranks else (),
                    percentiles_from=tally.exactness if has_ranks else None,
                    bins=() if is_exact else tuple(bins),
                )

    def slices(self) -> Iterator[LogSlice]:
        """Every interval, oldest first; none of averages, which are of no I/O."""
        if self._slices is not None and not self.averaged_ms:
            yield from self._slices.slices()

    def _pass_time(self, first_ms: int, last_ms: int) -> None:
        self.first_ms = first_ms if self.first_ms < 0 else self.first_ms
        self.last_ms = last_ms

    def _look_at_windows(self, op: int, ends_ms: list[int]) -> None:
        """Learn the length of windows from their ends, which rise."""
        for end_ms in ends_ms:
            length_ms = end_ms - self._ends_ms[op]
            if self._ends_ms[op] >= 0 < length_ms:
                self.window_ms = min(self.window_ms or length_ms, length_ms)
            self._ends_ms[op] = end_ms
