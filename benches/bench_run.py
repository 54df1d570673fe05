"""What a run costs beside its measuring: until fio starts, between trials, at the end; memory."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace

from effort import Effort
from figure import Figure
from installed import Ended, Installed
from noise import median_figure

from storperf.model.run import Phase

# A job without a fill, so that the first fio is the one that measures.
NULL_JOB = "name: bench-start\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"
# The shape of jobs/quickstart.yaml, in trials of a second.
FILE_JOB = """name: bench-run
target: {{directory: scratch, size: {size}}}
workloads: {workloads}
matrix: {{block_size: [4k], queue_depth: [1, 16]}}
duration: 1s
limits: [iops >= 10, p99 clat <= 10s]
"""
_MIB = 1 << 20


def measure(effort: Effort) -> list[Figure]:
    """The installed program with a fio that notes its start and end; the first run is not counted.

    Stored is a trial when the phase after it has been entered, which the store dates: that is
    later than the trial's own transaction, never earlier.
    """
    program = Installed(effort.scratch / "run")
    job = FILE_JOB.format(workloads=effort.run_workloads, size="256M")
    program.run(NULL_JOB)
    started = [program.run(NULL_JOB) for _ in range(effort.starts)]
    first = [program.run(NULL_JOB, f"empty-{number}") for number in range(effort.runs)]
    runs = [program.run(job) for _ in range(effort.runs)]
    return [
        *_start_figures(started, first, runs),
        *_trial_figures(started, runs),
        *_end_figures(runs),
        _wrapper_figure(program, effort.commands),
    ]


def _start_figures(
    started: Sequence[Ended], first: Sequence[Ended], runs: Sequence[Ended]
) -> list[Figure]:
    of_kinds = {
        "one step": started,
        "the quickstart's steps": runs,
        "one step, in a new results folder": first,
    }
    return [
        median_figure(
            f"command to fio's exec, {kind}",
            "s",
            [run.execs[0] - run.started_s for run in runs_of_kind],
            goal=1.5,
        )
        for kind, runs_of_kind in of_kinds.items()
    ]


def _trial_figures(started: Sequence[Ended], runs: Sequence[Ended]) -> list[Figure]:
    # The fill is fio's first start there; the trials follow.
    gaps = [
        [begun - ended for ended, begun in zip(run.exits[1:], run.execs[2:], strict=False)]
        for run in runs
    ]
    return [
        median_figure(
            "fio's exit to its trial stored, the run's only trial",
            "s",
            [run.entered[Phase.COLLECT] - run.exits[-1] for run in started],
            goal=1.5,
        ),
        median_figure(
            "fio's exit to its trial stored, the run's last trial",
            "s",
            [run.entered[Phase.COLLECT] - run.exits[-1] for run in runs],
            goal=1.5,
        ),
        median_figure(
            "fio's exit to the next fio's exec, longest of a run",
            "s",
            [max(of_run) for of_run in gaps],
            goal=0.3,
        ),
    ]


def _end_figures(runs: Sequence[Ended]) -> list[Figure]:
    return [
        median_figure(
            "judging and reports",
            "s",
            [run.entered[Phase.TEARDOWN] - run.entered[Phase.JUDGE] for run in runs],
            goal=3.0,
        ),
        median_figure(
            "last fio's exit to the end of the command",
            "s",
            [run.ended_s - run.exits[-1] for run in runs],
        ),
        median_figure(
            "manager's peak memory in a run like the quickstart",
            "MiB",
            [run.peak_bytes / _MIB for run in runs],
            goal=150e6 / _MIB,
        ),
    ]


def _wrapper_figure(program: Installed, times: int) -> Figure:
    """What the noting fio adds to every start; it is left in the figures above."""

    def took_s(name: str) -> float:
        begun_s = time.perf_counter()
        subprocess.run([name, "--version"], capture_output=True, check=True)
        return time.perf_counter() - begun_s

    added = [1000 * (took_s(str(program.fio)) - took_s("fio")) for _ in range(times)]
    # A difference near nothing has no ratio to itself that would say anything.
    return replace(median_figure("what the noting fio adds to a start", "ms", added), aa=None)
