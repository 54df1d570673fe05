"""What a result that somebody else's fio left says, in one unit system.

fio 2 counts latency in us and (up to 2.20) I/O in KiB, fio 3 in ns and bytes; terse output is in
us and KiB to this day.  All of it is ns and bytes here.  None is what the result does not
tell: old JSON and terse output do not count I/Os.
"""

from __future__ import annotations

from dataclasses import dataclass

from storperf.model.job import Op

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyFigures:
    """One of fio's three latencies since the start, in ns.

    `percentiles` are fio's own, as (percent, ns); `bins` maps bucket values to counts and is
    empty without json+.  What fio counted as 0 us is not known in ns: None, or left out.
    """

    count: int | None
    min_ns: int | None
    max_ns: int | None
    mean_ns: float
    stddev_ns: float
    percentiles: tuple[tuple[float, int], ...] = ()
    bins: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionFigures:
    """One direction of one fio job since its start.

    Rates are `ios` and `bytes` over `runtime_ms`; where fio does not count I/Os they are what
    it printed, a whole number a second.  None where it ran for less than a millisecond.
    """

    op: Op
    ios: int | None
    bytes: int
    runtime_ms: int
    iops: float | None
    bandwidth_bytes_per_s: float | None
    slat: LatencyFigures | None
    clat: LatencyFigures | None
    lat: LatencyFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FioJobFigures:
    """One fio job, or all of a group, on one server of client/server mode.

    `directions` are those in which something was done.  `options` are the global ones and its
    own; None when the result does not name them.  `fault` is why its figures are no
    measurement, empty when they are one; `partial` why they are only a part of one.
    """

    name: str
    group: int
    server: str | None
    error: int
    elapsed_s: int | None
    is_at_its_end: bool | None
    options: Pairs | None
    directions: tuple[DirectionFigures, ...]
    fault: str = ""
    partial: str = ""

    @property
    def key(self) -> tuple[str | None, int, str]:
        """What names a fio job in every document of one run of fio."""
        return (self.server, self.group, self.name)

    @property
    def runtime_ms(self) -> int:
        """The longest direction's runtime."""
        return max((each.runtime_ms for each in self.directions), default=0)

    def direction(self, op: Op) -> DirectionFigures | None:
        """The figures of one direction, None when nothing was done in it."""
        return next((each for each in self.directions if each.op is op), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FioSnapshot:
    """What one document, or one round of terse lines, says; `timestamp_s` is epoch time."""

    version: str
    form: str
    timestamp_s: float | None
    jobs: tuple[FioJobFigures, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FioResult:
    """One run of fio: its last snapshot, the cumulative ones before it, and what was said around.

    `remarks` are our own words on what is odd about it.
    """

    total: FioSnapshot
    earlier: tuple[FioSnapshot, ...] = ()
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class NotAResultError(ValueError):
    """Why a text, or a part of it, gives no figures; one sentence."""
