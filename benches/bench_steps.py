"""A thousand steps, from the job file to the list of them, as one command."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from effort import Effort
from figure import BenchError, Figure
from installed import PROGRAM, Installed
from noise import median_figure

_STEPS = 1000
_JOB = (
    "name: wide\ntarget: {null_engine: true}\nworkloads: [rr, wr, rs, ws, rw]\nmatrix:\n"
    f"  queue_depth: [{', '.join(map(str, range(1, 21)))}]\n"
    "  numjobs: [1, 2, 3, 4, 5]\n  block_size: [4k, 64k]\n"
)
# What plans, validates and lists without measuring.
_COMMAND = ("workload", "check")


def measure(effort: Effort) -> list[Figure]:
    """Whole processes on the wall clock, for people and as JSON; one before does not count."""
    program = Installed(effort.scratch / "steps")
    job = program.folder / "wide.yaml"
    job.write_text(_JOB, encoding="utf-8")
    listed = json.loads(_end(program, job, "--json"))
    if len(listed["steps"]) != _STEPS:
        raise BenchError(f"the job has {len(listed['steps'])} steps, not {_STEPS}")
    return [
        median_figure(
            f"{_STEPS} steps planned, checked and listed{said}, whole process",
            "s",
            [_took_s(program, job, *flags) for _ in range(effort.timings)],
            goal=2.0,
        )
        for said, flags in (("", ()), (" as JSON", ("--json",)))
    ]


def _took_s(program: Installed, job: Path, *flags: str) -> float:
    begun_s = time.perf_counter()
    _end(program, job, *flags)
    return time.perf_counter() - begun_s


def _end(program: Installed, job: Path, *flags: str) -> str:
    argv = [str(PROGRAM), *_COMMAND, str(job), *flags]
    done = subprocess.run(
        argv,
        cwd=program.folder,
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"{argv} ended with {done.returncode}: {done.stderr}")
    return done.stdout
