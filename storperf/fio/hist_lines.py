"""The lines of fio's histogram logs (`write_hist_log`): a histogram for each window of time.

A line is `time, direction, block size`, then the count of every bucket in the window that ended
at `time` (fio 3.33, flush_hist_samples in iolog.c).  Measured: 26 us a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt

from storperf.errors import UsageError
from storperf.fio.buckets import PLACES_NS, PLACES_US
from storperf.model.fio_log import LogUnit

Ints = npt.NDArray[np.int64]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53))]

_HEAD = 3
_OPS = 3
# log_hist_coarseness is 0 to 6: that many times two neighbouring buckets are one.
_FORMS = {
    places >> coarse: (unit, 1 << coarse)
    for unit, places in ((LogUnit.US, PLACES_US), (LogUnit.NS, PLACES_NS))
    for coarse in range(7)
}
_SHOWN = 80
_LONGEST_LINE = 1 << 16
_LINE = msgspec.json.Decoder(list[Count])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistRow:
    """A window that ended at `time_ms`; `counts` has PLACES_NS entries, of any unit."""

    time_ms: int
    op: int
    counts: Ints


class HistLines:
    """Feeds on a histogram log's bytes, gives its rows; UsageError with the line that is none.

    `unit` and `stride` are those of the buckets, known from their number once a line was read.
    What `stride` buckets hold together is put into the one in their middle.
    """

    def __init__(self, source: str) -> None:
        self.lines = 0
        self.unit = LogUnit.NS
        self.stride = 1
        self._source = source
        self._rest = b""
        self._buckets = 0

    def feed(self, chunk: bytes) -> list[HistRow]:
        """The rows of the lines that are now whole."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self.lines += len(lines) + 1
            self._refuse(self._rest, f"longer than {_LONGEST_LINE} bytes")
        return [self._row(line) for line in lines]

    def finish(self) -> str:
        """The torn last line; empty when the log ends with a whole one."""
        torn, self._rest = self._rest, b""
        return torn[:_SHOWN].decode("utf-8", "replace")

    def _row(self, line: bytes) -> HistRow:
        self.lines += 1
        try:
            time_ms, op, _, *counts = _LINE.decode(b"[" + line + b"]")
        except (msgspec.DecodeError, ValueError) as error:
            self._refuse(line, str(error))
        if op >= _OPS:
            self._refuse(line, f"its direction is {op}")
        if not self._buckets:
            if len(counts) not in _FORMS:
                self._refuse(line, f"it has {len(counts)} buckets, which no fio has")
            self._buckets = len(counts)
            self.unit, self.stride = _FORMS[self._buckets]
        if len(counts) != self._buckets:
            self._refuse(line, f"it has {len(counts)} buckets, those before {self._buckets}")
        spread = np.zeros(PLACES_NS, dtype=np.int64)
        spread[self.stride // 2 : self._buckets * self.stride : self.stride] = counts
        return HistRow(time_ms=time_ms, op=op, counts=spread)

    def _refuse(self, line: bytes, why: str) -> NoReturn:
        shown = line[:_SHOWN].decode("utf-8", "replace")
        raise UsageError(
            f"{self._source}, line {self.lines} is no line of a fio histogram log (time, "
            f"direction, block size, counts ...; {why}): {shown!r}",
            source=self._source,
            line=self.lines,
        )
