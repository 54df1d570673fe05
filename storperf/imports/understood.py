"""What was understood of a fio result, as plain values for a person or a program to check."""

from __future__ import annotations

from typing import Any

import numpy as np

from storperf.imports.figures import (
    DirectionFigures,
    FioJobFigures,
    FioResult,
    LatencyFigures,
)
from storperf.model.metric import PERCENTILES
from storperf.stats.histogram import percentile_nearest_rank


def understood_fio(result: FioResult) -> dict[str, Any]:
    """Each fio job and direction with its figures in ns, bytes and ms; None is not told."""
    return {
        "fio_version": result.total.version or None,
        "form": result.total.form,
        "timestamp_s": result.total.timestamp_s,
        "status_documents": len(result.earlier) + 1,
        "fio_jobs": [_job(job) for job in result.total.jobs],
    }


def _job(job: FioJobFigures) -> dict[str, Any]:
    return {
        "name": job.name,
        "group": job.group,
        "server": job.server,
        "error": job.error,
        "fault": job.fault or None,
        "partial": job.partial or None,
        "options": None if job.options is None else dict(job.options),
        "directions": {each.op.value: _direction(each) for each in job.directions},
    }


def _direction(found: DirectionFigures) -> dict[str, Any]:
    return {
        "ios": found.ios,
        "bytes": found.bytes,
        "runtime_ms": found.runtime_ms,
        "iops": found.iops,
        "bandwidth_bytes_per_s": found.bandwidth_bytes_per_s,
        "slat_ns": _latency(found.slat),
        "clat_ns": _latency(found.clat),
        "lat_ns": _latency(found.lat),
    }


def _latency(found: LatencyFigures | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "count": found.count,
        "min": found.min_ns,
        "max": found.max_ns,
        "mean": found.mean_ns,
        "stddev": found.stddev_ns,
        "percentiles": {f"{percent:g}": value for percent, value in percentiles_of(found)},
    }


def percentiles_of(found: LatencyFigures) -> list[tuple[float, int]]:
    """fio's own percentiles as (percent, ns), and those we judge where there is a histogram.

    With one all of them are made from it; they are fio's to the nanosecond.
    """
    if not found.bins:
        return list(found.percentiles)
    values, counts = np.array(found.bins, dtype=np.int64).T
    wanted = {percent for percent, _ in found.percentiles}
    wanted |= {round(share * 100, 6) for share in PERCENTILES.values()}
    return [
        (percent, percentile_nearest_rank(values, counts, percent / 100))
        for percent in sorted(wanted)
    ]
