"""fio's terse output, versions 2 to 5: one line of fields a fio job, in us and KiB.

Field by field as fio's HOWTO ("Terse output") and stat.c (show_ddir_status_terse) have it.
There is no count of I/Os in it, IOPS are whole numbers, and a latency is cut to whole us.
"""

from __future__ import annotations

import math
import re

from storperf.imports.figures import (
    DirectionFigures,
    FioJobFigures,
    LatencyFigures,
    NotAResultError,
)
from storperf.model.job import Op

_KIB = 1024
_NS_PER_US = 1000
# By version: fields before the directions, how many directions, fields of each.
_FORMS = {2: (4, 3, 41), 3: (5, 2, 41), 4: (5, 3, 41), 5: (5, 3, 47)}
_PERCENTILES = 20
_LONGEST_ERROR = 9
# CPU (5), depths (7), latencies below 1 ms (10) and from it on (12).
_BEHIND = 34
_LINE = re.compile(r"[2-5];[^;]*;")
_PERCENTILE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%=(\d{1,15})")


def is_terse(line: str) -> bool:
    """Whether the line can be one of terse output."""
    return _LINE.match(line) is not None and line.count(";") > _BEHIND


def read_line(line: str) -> tuple[str, FioJobFigures]:
    """fio's version (empty in terse version 2) and the fio job's figures.

    NotAResultError when fields are missing or are not what their place says.
    """
    fields = line.split(";")
    form = int(fields[0])
    before, directions, width = _FORMS[form]
    expected = before + directions * width + _BEHIND
    if len(fields) < expected:
        raise NotAResultError(
            f"a terse line of version {form} has {len(fields)} fields instead of {expected}"
        )
    if not fields[before + directions * width].endswith("%"):
        raise NotAResultError(f"a terse line of version {form} has its fields in other places")
    version = "" if form == 2 else fields[1]
    name, group, error = fields[before - 3 : before]
    if len(error.lstrip("-")) > _LONGEST_ERROR:
        raise NotAResultError(f"a terse line has {error[:40]!r} as its error")
    found = [
        _direction(fields[before + number * width :], op)
        for number, op in zip(range(directions), Op, strict=False)
    ]
    return version, FioJobFigures(
        name=name,
        group=_whole(group, "groupid"),
        server=None,
        error=abs(_whole(error, "error")),
        elapsed_s=None,
        is_at_its_end=None,
        options=None,
        directions=tuple(each for each in found if each.bytes or each.runtime_ms),
    )


def _direction(fields: list[str], op: Op) -> DirectionFigures:
    size_kib, rate_kib, iops, runtime_ms = (
        _whole(text, what) for text, what in zip(fields, _RATES, strict=False)
    )
    slat = _latency(fields[4:8])
    clat = _latency(fields[8:12], fields[12 : 12 + _PERCENTILES])
    lat = _latency(fields[12 + _PERCENTILES : 16 + _PERCENTILES])
    return DirectionFigures(
        op=op,
        ios=None,
        bytes=size_kib * _KIB,
        runtime_ms=runtime_ms,
        iops=float(iops) if runtime_ms else None,
        # Both are cut to KiB; the sum over the whole time is the finer one.
        bandwidth_bytes_per_s=_bandwidth(size_kib, rate_kib, runtime_ms),
        slat=slat,
        clat=clat,
        lat=lat,
    )


_RATES = ("total I/O", "bandwidth", "IOPS", "runtime")


def _bandwidth(size_kib: int, rate_kib: int, runtime_ms: int) -> float | None:
    if not runtime_ms:
        return None
    found = size_kib * _KIB * 1000 / runtime_ms
    # Each is cut to a whole KiB; a KiB of 1000 bytes (kb_base) makes 2.4 %.
    if abs(found - rate_kib * _KIB) > _KIB + 1000 * _KIB / runtime_ms + 0.05 * found:
        raise NotAResultError(
            f"a terse line says {size_kib} KiB in {runtime_ms} ms and {rate_kib} KiB/s"
        )
    return found


def _latency(fields: list[str], percentiles: list[str] | None = None) -> LatencyFigures | None:
    """None when nothing was measured: fio writes zeros then."""
    low, high = (_whole(text, "latency") for text in fields[:2])
    mean, deviation = (_number(text) for text in fields[2:4])
    if not (low or high or mean):
        return None
    return LatencyFigures(
        count=None,
        min_ns=low * _NS_PER_US or None,
        max_ns=high * _NS_PER_US or None,
        mean_ns=mean * _NS_PER_US,
        stddev_ns=deviation * _NS_PER_US,
        percentiles=tuple(sorted(_percentiles(percentiles or []))),
    )


def _percentiles(fields: list[str]) -> list[tuple[float, int]]:
    pairs = []
    for text in fields:
        match = _PERCENTILE.fullmatch(text)
        if match is None:
            raise NotAResultError(f"a terse line has {text[:40]!r} where a percentile belongs")
        if float(match[1]) and int(match[2]):
            pairs.append((float(match[1]), int(match[2]) * _NS_PER_US))
    return pairs


def _whole(text: str, what: str) -> int:
    if not re.fullmatch(r"-?\d{1,16}", text, re.ASCII):
        raise NotAResultError(f"a terse line has {text[:40]!r} as its {what}")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise NotAResultError(f"a terse line has {text[:40]!r} as a latency")
    return value
