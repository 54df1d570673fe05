"""A run's figures as the flat map of the earlier StorPerf, which Yardstick and QTIP read.

`<workload>.queue-depth.<q>.block-size.<b>.<read/write>.<metric>`, in its units: KiB/s, 1/s, ns.
"""

from __future__ import annotations

from collections import Counter

from storperf.model.job import CANDIDATE, Step
from storperf.model.result import RunResult
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import run_values

_KIB = 1024
# Ours to theirs, and what a value is multiplied with.
_METRICS = {
    "bandwidth": ("bw", 1 / _KIB),
    "iops": ("iops", 1.0),
    "lat_mean": ("lat_ns.mean", 1.0),
}


def flat_metrics(result: RunResult) -> dict[str, float]:
    """Name to value for all that was measured; repeats are one value, as the verdict takes them.

    What was not measured is not there, also where the earlier StorPerf wrote a zero.
    """
    names = step_names(result)
    values = run_values(tuple(latest_attempts(result.trials).values()), result.summaries)
    found = {}
    for (step, side, op, metric), value in values.items():
        if side == CANDIDATE and metric in _METRICS:
            name, factor = _METRICS[metric]
            found[f"{names[step]}.{op}.{name}"] = value.value * factor
    return dict(sorted(found.items()))


def step_names(result: RunResult) -> dict[str, str]:
    """The earlier StorPerf's name of each step by its key.

    It knew neither numbers of fio jobs nor of agents as axes: they are in the name only where two
    steps would else have the same.
    """
    steps = result.plan.steps
    counted = Counter(_name(step) for step in steps)
    return {
        step.key: _name(step) if counted[_name(step)] == 1 else _long_name(step) for step in steps
    }


def _name(step: Step, between: str = "") -> str:
    load = f"queue-depth.{step.queue_depth}.block-size.{step.block_size_bytes}"
    return f"{step.workload.name}.{between}{load}"


def _long_name(step: Step) -> str:
    return _name(step, f"numjobs.{step.numjobs}.agents.{step.agents}.")
