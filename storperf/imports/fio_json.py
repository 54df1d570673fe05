"""One of fio's JSON documents, of fio 2 or 3, json or json+, local or client/server, as figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from storperf.fio.buckets import PLACES_US, values_of
from storperf.imports.figures import (
    DirectionFigures,
    FioJobFigures,
    FioSnapshot,
    LatencyFigures,
    NotAResultError,
    Pairs,
)
from storperf.model.job import Op

Tree = Mapping[str, Any]

# fio's own sum over the servers; wrong or missing in several versions (fio issues 610, 878,
# 1881, 1918), so that it is never read.
ALL_CLIENTS = "All clients"

_KIB = 1024
# More than any fio counts (64 PiB), and sums of it still fit into 64 bits.
_LARGEST = 1 << 56
_LARGEST_ERROR = (1 << 31) - 1
_LONGEST_BUCKET = 15
_LONGEST_TOLD = 40
# Later than any result: seconds in the year 2242.
_LAST_S = float(1 << 33)
_NS_PER_US = 1000
# Buckets of fio 2 are named by their number: stat.h, FIO_IO_U_PLAT_BITS.
_PLAT_BITS = 6
_PLAT = "FIO_IO_U_PLAT_"


def read_document(tree: Tree) -> FioSnapshot:
    """The figures of one document.  NotAResultError when it is no fio's, or contradicts itself.

    In client/server mode `jobs` may hold one fio job several times, as fio reports it again at
    every status interval.
    """
    version = tree.get("fio version")
    sections = tree.get("jobs", tree.get("client_stats"))
    if not isinstance(version, str) or not isinstance(sections, list):
        raise NotAResultError("it is JSON, but none of fio's: no `fio version` with `jobs`")
    shared = _options(tree.get("global options"))
    found = [_job(section, shared) for section in sections if _is_a_job(section)]
    has_bins = any(each.clat and each.clat.bins for job in found for each in job.directions)
    return FioSnapshot(
        version=version,
        form="json+" if has_bins else "json",
        timestamp_s=_timestamp_s(tree),
        jobs=tuple(found),
    )


def _is_a_job(section: Any) -> bool:
    if not isinstance(section, Mapping):
        raise NotAResultError("one of its fio jobs is no object")
    return section.get("jobname") != ALL_CLIENTS


def _timestamp_s(tree: Tree) -> float | None:
    found = None
    if "timestamp_ms" in tree:
        found = _whole(tree, "timestamp_ms") / 1000
    elif "timestamp" in tree:
        found = float(_whole(tree, "timestamp"))
    if found is not None and found > _LAST_S:
        raise NotAResultError(f"its time is {found:g} s after 1970, which is none")
    return found


def _job(section: Tree, shared: Pairs | None) -> FioJobFigures:
    name = section.get("jobname")
    if not isinstance(name, str):
        raise NotAResultError("one of its fio jobs has no name")
    own = _options(section.get("job options"))
    is_named = own is not None or shared is not None
    error = _whole(section, "error", signed=True)
    if not error and section.get("total_err"):
        # With continue_on_error fio goes on and calls it no error.
        error = _whole(section, "first_error", signed=True) or 5
    if abs(error) > _LARGEST_ERROR:
        raise NotAResultError(f"its error is {error}, which is none")
    eta = section.get("eta")
    figures = (_direction(section[op.value], op) for op in Op if op.value in section)
    return FioJobFigures(
        name=name,
        group=_whole(section, "groupid", default=0, signed=True),
        server=_server(section),
        error=abs(error),
        elapsed_s=_whole(section, "elapsed") if "elapsed" in section else None,
        is_at_its_end=None if eta is None else eta == 0,
        options=tuple(dict([*(shared or ()), *(own or ())]).items()) if is_named else None,
        directions=tuple(each for each in figures if each.bytes or each.ios or each.runtime_ms),
        fault=_mixed(section),
    )


def _mixed(section: Tree) -> str:
    if "mixed" in section and "read" not in section:
        return "its reads and writes are one sum (unified_rw_reporting), which nothing can part"
    return ""


def _server(section: Tree) -> str | None:
    host, port = section.get("hostname"), section.get("port")
    if not isinstance(host, str):
        return None
    return f"{host}:{port}" if isinstance(port, int) else host


def _options(found: Any) -> Pairs | None:
    """Options as fio lists them: those with a value; an empty value is a bare word."""
    if not isinstance(found, Mapping):
        return None
    return tuple((str(key), str(value)) for key, value in found.items())


def _direction(found: Any, op: Op) -> DirectionFigures:
    if not isinstance(found, Mapping):
        raise NotAResultError(f"its {op.value} figures are no object")
    ios = _whole(found, "total_ios") if "total_ios" in found else None
    size = _whole(found, "io_bytes")
    if "io_kbytes" not in found:
        # fio counted in KiB under this name until it got a second one (2.21).
        size *= _KIB
    runtime_ms = _whole(found, "runtime")
    printed = _number(found, "iops")
    counted = None if ios is None or not runtime_ms else ios * 1000 / runtime_ms
    return DirectionFigures(
        op=op,
        ios=ios,
        bytes=size,
        runtime_ms=runtime_ms,
        iops=(printed if runtime_ms else None) if ios is None else counted,
        bandwidth_bytes_per_s=size * 1000 / runtime_ms if runtime_ms else None,
        slat=_latency(found, "slat", ios),
        clat=_latency(found, "clat", ios),
        lat=_latency(found, "lat", ios),
    )


def _latency(direction: Tree, kind: str, ios: int | None) -> LatencyFigures | None:
    """One latency in ns, whichever unit this fio counts in; None when it has no samples."""
    found = direction.get(f"{kind}_ns")
    factor = 1
    if found is None:
        found, factor = direction.get(kind), _NS_PER_US
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise NotAResultError(f"its {kind} is no object")
    count = _whole(found, "N") if "N" in found else None
    mean_ns = _number(found, "mean") * factor
    if count == 0 or (count is None and not mean_ns):
        return None
    bins = _bins(found.get("bins") or {}, factor)
    counted = sum(number for _, number in bins)
    if bins and counted != (count if count is not None else ios):
        raise NotAResultError(
            f"its {kind} histogram holds {counted} I/Os, its own count says {count or ios}"
        )
    return LatencyFigures(
        count=count,
        min_ns=_in_ns(_whole(found, "min"), factor),
        max_ns=_in_ns(_whole(found, "max"), factor),
        mean_ns=mean_ns,
        stddev_ns=_number(found, "stddev") * factor,
        percentiles=_percentiles(found.get("percentile") or {}, factor),
        bins=bins,
    )


def _percentiles(found: Any, factor: int) -> tuple[tuple[float, int], ...]:
    """fio's own percentiles; `0.00` is how fio 2 fills its list up."""
    if not isinstance(found, Mapping):
        raise NotAResultError("its percentiles are no object")
    pairs = []
    for key in found:
        percent = _as_number(key)
        if not 0 <= percent <= 100:
            raise NotAResultError(f"it has a percentile {key}")
        value = _in_ns(_whole(found, key), factor)
        if percent and value is not None:
            pairs.append((percent, value))
    return tuple(sorted(pairs))


def _in_ns(value: int, factor: int) -> int | None:
    """None for 0 in a coarser unit: it is less than one, and nobody knows how much."""
    return value * factor if value or factor == 1 else None


def _bins(found: Any, factor: int) -> tuple[tuple[int, int], ...]:
    """Bucket values in ns with their counts, empty buckets left out."""
    if not isinstance(found, Mapping):
        raise NotAResultError("its bins are no object")
    is_numbered = f"{_PLAT}BITS" in found
    if is_numbered and _whole(found, f"{_PLAT}BITS") != _PLAT_BITS:
        raise NotAResultError("its histogram has other buckets than fio's")
    names = [key for key in found if not key.startswith(_PLAT)]
    for key in names:
        if not (key.isascii() and key.isdigit() and len(key) <= _LONGEST_BUCKET):
            raise NotAResultError(f"it has a bucket {key!r}")
    counts = [_whole(found, key) for key in names]
    values = [int(key) for key in names]
    if is_numbered:
        if max(values, default=0) >= PLACES_US:
            raise NotAResultError("its histogram has other buckets than fio's")
        values = values_of(values).tolist()
    pairs = zip(values, counts, strict=True)
    return tuple(sorted((value * factor, count) for value, count in pairs if count))


def _whole(found: Tree, key: str, *, default: int | None = None, signed: bool = False) -> int:
    value = found.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool):
        least = -_LARGEST if signed else 0
        if least <= value <= _LARGEST:
            return value
    raise NotAResultError(f"its {key} is {str(value)[:_LONGEST_TOLD]!r}, which is no count")


def _number(found: Tree, key: str) -> float:
    value = found.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and number >= 0:
            return number
    raise NotAResultError(f"its {key} is {str(value)[:_LONGEST_TOLD]!r}, which is no figure")


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise NotAResultError(f"it has a percentile {text!r}") from None
