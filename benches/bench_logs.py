"""fio's logs of single I/Os: read with all their figures, over numpy.loadtxt of two columns."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from effort import Effort
from figure import BenchError, Figure
from installed import PROGRAM, Installed, watch
from noise import median_figure, ratio_figure

from storperf.log_files import read_log_files

_GOAL = 1.2
_LINES = 10_000_000
_MIB = 1 << 20
# The fewest columns from which figures of each direction can be had: value and direction.
_COLUMNS = (1, 2)
_LOADTXT = f"import sys, numpy; numpy.loadtxt(sys.argv[1], delimiter=',', usecols={_COLUMNS})"


def measure(effort: Effort) -> list[Figure]:
    """In rounds of random order, from the page cache: storperf, loadtxt, loadtxt again.

    Once as calls inside of one process, once as whole processes with their peak memory.
    loadtxt makes floats unless told otherwise; whole numbers cost it less, and are a call more.
    """
    path = _write_log(effort.scratch / "logs")
    by_numpy = partial(_loadtxt, path, float)
    acts = (partial(_read, path), by_numpy, by_numpy, partial(_loadtxt, path, int))
    calls = _rounds(effort, acts)
    read, floats, again, ints = ([took_s for took_s, _ in arm] for arm in calls)
    program = Installed(effort.scratch / "logs-program")
    numpys = partial(_end, program, (sys.executable, "-I", "-c", _LOADTXT, str(path)))
    ours = partial(_end, program, (str(PROGRAM), "import", "--lat-log", str(path)))
    ended = _rounds(effort, (ours, numpys, numpys))
    whole = [[took_s for took_s, _ in arm] for arm in ended]
    peaks = [[peak_bytes / _MIB for _, peak_bytes in arm] for arm in ended]
    lines = f"a latency log of {_LINES / 1e6:g} M lines"
    return [
        ratio_figure(f"{lines}, read / by numpy.loadtxt", read, floats, again, goal=_GOAL),
        replace(
            ratio_figure("the same / by numpy.loadtxt to int64", read, ints, ints, goal=_GOAL),
            aa=None,
            aa_interval=None,
        ),
        ratio_figure("import --lat-log / Python with numpy.loadtxt", *whole, goal=_GOAL),
        median_figure("import --lat-log: peak memory", "MiB", peaks[0]),
        median_figure("Python with numpy.loadtxt: peak memory", "MiB", peaks[1]),
    ]


def _write_log(folder: Path) -> Path:
    """A real log: fio's null engine, both directions, a line for every I/O."""
    folder.mkdir()
    argv = ["fio", "--name=x", "--ioengine=null", "--size=1t", "--bs=4k", "--rw=randrw"]
    argv += ["--norandommap", "--iodepth=4", f"--number_ios={_LINES}"]
    argv += ["--write_lat_log=x", "--disable_clat=1", "--disable_slat=1", "--output=/dev/null"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, timeout=600)
    return folder / "x_lat.1.log"


def _rounds(
    effort: Effort, acts: Sequence[Callable[[], int]]
) -> tuple[list[tuple[float, int]], ...]:
    """For each act how long it took and what it gave, in each round; none of a first round."""
    found: tuple[list[tuple[float, int]], ...] = tuple([] for _ in acts)
    order = random.Random(3)  # noqa: S311 - the same order each time
    for number in range(effort.log_rounds + 1):
        for arm in order.sample(range(len(acts)), len(acts)):
            begun_s = time.perf_counter()
            given = acts[arm]()
            if number:
                found[arm].append((time.perf_counter() - begun_s, given))
    return found


def _read(path: Path) -> int:
    (outcome,) = read_log_files([path], kind=None, unit=None, interval_ms=None).outcomes
    if outcome.log is None or outcome.log.lines < _LINES:
        raise BenchError(f"the log was not read: {outcome.reason}")
    return outcome.log.lines


def _loadtxt(path: Path, kind: type) -> int:
    return len(np.loadtxt(path, kind, delimiter=",", usecols=_COLUMNS))


def _end(program: Installed, argv: Sequence[str]) -> int:
    """The most memory that a command held, in bytes."""
    process = subprocess.Popen(
        argv,
        cwd=program.folder,
        env=program.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak_bytes = watch(process)
    if process.returncode != 0:
        raise BenchError(f"{argv[:4]} ended with {process.returncode}")
    return peak_bytes
