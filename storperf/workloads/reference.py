"""The reference page of the shipped workloads and suites, made from the registries."""

from __future__ import annotations

from storperf.workloads.shipped import DESCRIPTIONS, WORKLOADS
from storperf.workloads.suites import SUITES, description_of

_HEAD = """# Workloads

<!-- Made by storperf/workloads/reference.py; a test fails when it is stale. -->

These names can stand in the job file's `workloads`.
Block size, queue depth and numjobs come from the job's `matrix`.
The judged figure decides whether a trial is steady.
It is IOPS for random patterns, bandwidth for sequential ones.
A workload whose name begins with `_` does its span once, at any time it takes, and is not judged.

| name | fio options | directions | judged | what it does |
|---|---|---|---|---|
"""

_SUITES = """
## Suites

A suite is a job file without name and target.
The job file's key `suite` names it, and every key that stands in the job file wins:

```yaml
name: nightly-ceph
target: {directory: scratch, size: 10G}
suite: wally-ceph
variables: {DEPTHS_READ: [1, 16]}
duration: 60s
```

`storperf workload show NAME` prints a suite, `storperf workload check FILE` the steps of a job.

| name | what it does |
|---|---|
"""

_TAIL = """
## Of your own

A workload of your own is a mapping of fio options.
See [the job file](job-file.md#workloads-of-your-own).
One that several jobs use can be kept under a name: `storperf workload add`.
"""


def render_reference() -> str:
    """The text of docs/reference/workloads.md."""
    rows = []
    for name, workload in WORKLOADS.items():
        options = " ".join(f"{key}={value}" for key, value in workload.options)
        ops = ", ".join(workload.ops)
        cells = (f"`{name}`", f"`{options}`", ops, workload.judged_metric, DESCRIPTIONS[name])
        rows.append(f"| {' | '.join(cells)} |\n")
    suites = [f"| `{name}` | {description_of(text)} |\n" for name, text in SUITES.items()]
    return _HEAD + "".join(rows) + _SUITES + "".join(suites) + _TAIL
