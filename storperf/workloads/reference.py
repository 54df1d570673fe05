"""The reference page of the shipped workloads, made from the registry."""

from __future__ import annotations

from storperf.workloads.shipped import DESCRIPTIONS, WORKLOADS

_HEAD = """# Workloads

<!-- Made by storperf/workloads/reference.py; a test fails when it is stale. -->

These names can stand in the job file's `workloads`.
Block size, queue depth and numjobs come from the job's `matrix`.
The judged figure decides whether a trial is steady.
It is IOPS for random patterns, bandwidth for sequential ones.

| name | fio options | directions | judged | what it does |
|---|---|---|---|---|
"""

_TAIL = """
A workload of your own is a mapping of fio options.
See [the job file](job-file.md#workloads-of-your-own).
"""


def render_reference() -> str:
    """The text of docs/reference/workloads.md."""
    rows = []
    for name, workload in WORKLOADS.items():
        options = " ".join(f"{key}={value}" for key, value in workload.options)
        ops = ", ".join(workload.ops)
        cells = (f"`{name}`", f"`{options}`", ops, workload.judged_metric, DESCRIPTIONS[name])
        rows.append(f"| {' | '.join(cells)} |\n")
    return _HEAD + "".join(rows) + _TAIL
