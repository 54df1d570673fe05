"""The metrics of a summary: name, unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of one trial, agent and direction."""

    name: str
    unit: str
    higher_is_better: bool
    label: str


# Percentiles are of completion latency; the number is in the name with _ for the point,
# because Graphite reads a point as the end of a path's part.
PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "p99_99": 0.9999}


def _latency(name: str, label: str) -> Metric:
    return Metric(name=name, unit="ns", higher_is_better=False, label=label)


METRICS = {
    metric.name: metric
    for metric in (
        Metric(name="iops", unit="1/s", higher_is_better=True, label="IOPS"),
        Metric(name="bandwidth", unit="B/s", higher_is_better=True, label="bandwidth"),
        _latency("clat_mean", "mean clat"),
        _latency("slat_mean", "mean slat"),
        _latency("lat_mean", "mean lat"),
        *(_latency(f"clat_{key}", f"{key.replace('_', '.')} clat") for key in PERCENTILES),
        _latency("clat_max", "max clat"),
    )
}
