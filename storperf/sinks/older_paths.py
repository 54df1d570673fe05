"""The layout of the earlier StorPerf (1.x), for dashboards that were made for it.

`<job>.<workload>.queue-depth.<q>.block-size.<b>.<host>.jobs.<n>.<op>.<metric>`, with fio's own
names and units behind `jobs` (storperf/carbon/converter.py flattened fio's JSON), and
`<job>...<host>.commit-marker`, the epoch second up to which all has been sent.
What is told apart: the job is its name, not the run's UUID; the host is agent and target by their
numbers; a point is a second, not a minute; the two fio percentiles are nearest ranks of it.
"""

from __future__ import annotations

from storperf.model.job import Step
from storperf.sinks.paths import render_part

COMMIT_MARKER = "commit-marker"
_KIB = 1024

# Ours to theirs, and what a value is multiplied with: fio's `bw` is in KiB/s.
OLDER_METRICS: dict[str, tuple[str, float]] = {
    "iops": ("iops", 1.0),
    "bandwidth": ("bw", 1 / _KIB),
    "clat_mean": ("clat_ns.mean", 1.0),
    "slat_mean": ("slat_ns.mean", 1.0),
    "lat_mean": ("lat_ns.mean", 1.0),
    "clat_p50": ("clat_ns.percentile.50.000000", 1.0),
    "clat_p95": ("clat_ns.percentile.95.000000", 1.0),
    "clat_p99": ("clat_ns.percentile.99.000000", 1.0),
    "clat_p99_9": ("clat_ns.percentile.99.900000", 1.0),
    "clat_p99_99": ("clat_ns.percentile.99.990000", 1.0),
    "clat_max": ("clat_ns.max", 1.0),
}


def older_prefix(job: str, step: Step, agent: str, target: int) -> str:
    """The path up to the host; the marker and the figures are below it."""
    first = render_part(job)
    # Carbon takes a `~` off the beginning of a path (util.py, sanitize_name_as_tag_value).
    place = (f"_{first}" if first.startswith("~") else first, render_part(step.workload.name))
    load = ("queue-depth", str(step.queue_depth), "block-size", str(step.block_size_bytes))
    return ".".join((*place, *load, f"{render_part(agent)}-target-{target}"))


def older_path(prefix: str, op: str) -> str:
    """The path of one direction, without the metric.  fio's jobs are one here, so `<n>` is 1."""
    return f"{prefix}.jobs.1.{op}"
