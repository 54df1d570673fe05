"""What a fio log (`write_lat_log`, `write_bw_log`, `write_iops_log`, `write_hist_log`) says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LogKind(StrEnum):
    """What fio wrote down; the value is the word in the log's file name."""

    LAT = "lat"
    CLAT = "clat"
    SLAT = "slat"
    BANDWIDTH = "bw"
    IOPS = "iops"
    HISTOGRAM = "clat_hist"

    @property
    def is_latency(self) -> bool:
        """Whether its values are latencies."""
        return self in {LogKind.LAT, LogKind.CLAT, LogKind.SLAT, LogKind.HISTOGRAM}


class LogUnit(StrEnum):
    """What one is in the file: fio 3 counts latency in ns, fio 2 in us."""

    NS = "ns"
    US = "us"
    KIB_PER_S = "KiB/s"
    PER_S = "1/s"


class KnownFrom(StrEnum):
    """How sure a unit or a kind is."""

    ASKED = "asked"
    FILE = "file"
    ASSUMED = "assumed"


class Exactness(StrEnum):
    """What percentiles were taken from: each single value, or fio's buckets (1/128 wide)."""

    VALUES = "values"
    BUCKETS = "buckets"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFigures:
    """One direction of a log.  Latencies are in ns whatever the file's unit was.

    `mean` and `percentiles` (name, value: nearest rank) are missing where they would be
    averages of averages or of no rate.  `bins` are pairs of fio's bucket (ns) and count, for
    histogram logs alone; `minimum` and `maximum` are buckets there.
    """

    op: str
    count: int
    bytes: int | None
    minimum: int
    maximum: int
    mean: float | None
    percentiles: tuple[tuple[str, int], ...]
    percentiles_from: Exactness | None
    bins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSlice:
    """One direction in one interval of a log; times as the log has them, in seconds.

    `bandwidth` is in bytes/s, None where the log has no block sizes; `bins` (ns, count) is
    empty for logs of something else than latency.
    """

    op: str
    start_s: float
    end_s: float
    ios: int
    iops: float
    bandwidth: float | None
    bins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FioLog:
    """Everything read from one log, or from several that belong together.

    `averaged_ms` is the window of a log that holds averages (log_avg_msec), 0 when each line
    is an I/O; `torn` is the last line without an end that a killed fio left, dropped.
    `notes` are sentences that a reader of the figures must know.
    """

    files: tuple[str, ...]
    kind: LogKind
    kind_from: KnownFrom
    unit: LogUnit
    unit_from: KnownFrom
    lines: int
    first_s: float
    last_s: float
    is_epoch: bool
    averaged_ms: int
    torn: tuple[str, ...]
    figures: tuple[LogFigures, ...]
    slices: tuple[LogSlice, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutcome:
    """What became of one file: what it says, or why it was refused and in which line."""

    file: str
    log: FioLog | None
    reason: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FioLogs:
    """Several files; `together` are those of one kind and unit, as if all I/Os were in one."""

    outcomes: tuple[LogOutcome, ...]
    together: tuple[FioLog, ...]
