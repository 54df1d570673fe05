"""Figures for QTIP's index: of a run, of its baseline, of a report of the earlier StorPerf."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from storperf.errors import UsageError
from storperf.hooks.older_names import step_names
from storperf.hooks.qtip import Figure
from storperf.model.baseline import BaselineKey
from storperf.model.job import CANDIDATE, Step
from storperf.model.result import RunResult
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import run_values
from storperf.store.store import Store

_MOST_BYTES = 64 << 20
# Our metric, the name in the reports that the published expressions are made for, and the factor.
_METRICS = {
    "iops": ("iops", 1.0),
    "bandwidth": ("bw", 1 / 1024),
    "lat_mean": ("lat.mean", 1 / 1000),
}
# What the earlier StorPerf's workloads told fio: `rw` is sequential, whatever its description.
_IS_RANDOM = {"rr": True, "wr": True, "rs": False, "ws": False, "rw": False, "_warm_up": False}
_NAME = re.compile(
    r"(?P<workload>.+)\.queue-depth\.(\d{1,9})\.block-size\.(?P<block>\d{1,12})"
    r"\.(read|write)\.(?P<metric>iops|bw|lat\.mean|lat_ns\.mean)"
)


def run_figures(result: RunResult) -> tuple[Figure, ...]:
    """The candidate's figures over all agents; repeats are one value."""
    names = step_names(result)
    values = run_values(tuple(latest_attempts(result.trials).values()), result.summaries)
    return tuple(
        _figure(result.plan.step(step), names[step], op, metric, found.value)
        for (step, side, op, metric), found in values.items()
        if side == CANDIDATE and metric in _METRICS
    )


def accepted_figures(store: Store, result: RunResult) -> tuple[Figure, ...]:
    """What the run's baseline comes to: the geometric mean of its accepted runs."""
    names = step_names(result)
    return tuple(
        figure
        for step in result.plan.steps
        for figure in _accepted(store, result, step, names[step.key])
    )


def _accepted(store: Store, result: RunResult, step: Step, name: str) -> Iterator[Figure]:
    key = BaselineKey(
        lab=result.run.lab,
        job=result.run.job_name,
        side=CANDIDATE,
        step=step.key,
        fingerprint=step.fingerprint,
    )
    logs = defaultdict(list)
    for each in store.baseline_values(key, runs=result.job.baseline_runs, before_run=result.run.id):
        if each.metric in _METRICS and each.value > 0:
            logs[each.op, each.metric].append(math.log(each.value))
    for (op, metric), found in logs.items():
        yield _figure(step, name, op, metric, math.exp(math.fsum(found) / len(found)))


def _figure(step: Step, name: str, op: str, metric: str, value: float) -> Figure:
    theirs, factor = _METRICS[metric]
    return Figure(
        name=f"{name}.{op}.{theirs}",
        metric=theirs,
        value=value * factor,
        is_random=step.workload.is_random,
        block_size_bytes=step.block_size_bytes,
        fingerprint=step.fingerprint,
    )


def report_figures(path: Path) -> tuple[Figure, ...]:
    """The figures of an earlier StorPerf's report; UsageError when the file is none.

    Zeros, which it wrote where nothing was measured, are left out.
    """
    found = []
    for name, value in _metrics(path).items():
        match = _NAME.fullmatch(name)
        if match is None or not isinstance(value, int | float) or not 0 < value < math.inf:
            continue
        in_ns = match["metric"] == "lat_ns.mean"
        metric = "lat.mean" if in_ns else match["metric"]
        found.append(
            Figure(
                name=name.removesuffix(match["metric"]) + metric,
                metric=metric,
                value=value / 1000 if in_ns else float(value),
                is_random=_IS_RANDOM.get(match["workload"]),
                block_size_bytes=int(match["block"]),
            )
        )
    if not found:
        raise UsageError(f"{path} holds no figure of the earlier StorPerf")
    return tuple(found)


def _metrics(path: Path) -> dict[str, Any]:
    """The flat map inside a report, wherever StorPerf and its results database put it."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        tree = json.loads(text) if len(text) <= _MOST_BYTES else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    for place in ((), ("report",), ("details",), ("report", "details")):
        inner = tree
        for key in place:
            inner = inner.get(key) if isinstance(inner, dict) else None
        found = inner.get("metrics") if isinstance(inner, dict) else None
        if isinstance(found, dict):
            return found
    raise UsageError(f"{path} is no report of the earlier StorPerf: it holds no `metrics`")
