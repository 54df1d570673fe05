"""Names of the earlier StorPerf: a step is a window there, and a figure one of three metrics."""

from __future__ import annotations

from collections.abc import Mapping

from storperf.model.job import Plan, Step

# Its metrics, ours, and the factor to its unit: fio's KiB/s.
METRICS = (("iops", "iops", 1.0), ("bw", "bandwidth", 1 / 1024), ("lat_ns.mean", "lat_mean", 1.0))
IO_TYPES = ("read", "write")


def window_names(plan: Plan, written: Mapping[int, str]) -> dict[str, str]:
    """`rr.queue-depth.1.block-size.4096` for each step, by the step's key.

    `written` are block sizes as the request wrote them, by bytes.
    """
    return {step.key: window_name(step, written) for step in plan.steps}


def window_name(step: Step, written: Mapping[int, str]) -> str:
    """The name of one step."""
    size = written.get(step.block_size_bytes, str(step.block_size_bytes))
    return f"{step.workload.name}.queue-depth.{step.queue_depth}.block-size.{size}"
