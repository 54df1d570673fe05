"""Whether a Carbon that fails in the middle of a run delays it: whole runs beside runs without one.

All runs go on at the same time, so that what else the machine does befalls all of them alike.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from effort import Effort
from figure import BenchError, Figure
from graphite_rig import Rig, running
from installed import PROGRAM, Installed
from noise import ratio_figure

_ROUNDS = 6
_DOWN, _HUNG, _KILLED = "down", "hung", "killed"
_FAULTS = (_DOWN, _HUNG, _KILLED)
_NONE, _AGAIN = "none", "again"
# A start takes 1.5 s of one core of two.
_APART_S = 2.0
# fio spins for a part of each pause: at a hundred a second 30 of them would fill both cores.
_RATE_IOPS = 10
_MARGIN_S = 15.0
_STARTED_S = 10.0
_MEASURED = (0, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    kind: str
    begun_s: float
    process: subprocess.Popen[bytes]
    said: Path


def measure(effort: Effort) -> list[Figure]:
    """Runs of a few minutes; in the middle of all of them the three Carbons fail."""
    with ExitStack() as stack:
        rigs = {
            fault: stack.enter_context(running(effort.scratch / f"graphite-{fault}"))
            for fault in _FAULTS
        }
        begun_s = time.monotonic()
        starts_s = _ROUNDS * len(_order()) * _APART_S
        length_s = int(starts_s + _STARTED_S + effort.away_s + _MARGIN_S)
        runs: list[_Run] = []
        stack.callback(_stop, runs)
        for each in _starting(rigs, effort.scratch, length_s):
            runs.append(each)
            time.sleep(_APART_S)
        time.sleep(max(0.0, begun_s + starts_s + _STARTED_S - time.monotonic()))
        _fail(rigs, effort.away_s)
        took = _end_all(runs)
    return [*_delays(took, effort.away_s), _unread(runs)]


def _order() -> list[str]:
    kinds = [*_FAULTS, _NONE, _AGAIN]
    return random.sample(kinds, len(kinds))


def _starting(rigs: dict[str, Rig], scratch: Path, length_s: int) -> Iterator[_Run]:
    for number in range(_ROUNDS):
        for kind in _order():
            yield _start(kind, number, rigs.get(kind), scratch, length_s)


def _stop(runs: list[_Run]) -> None:
    """End what an error left behind."""
    for run in runs:
        if run.process.poll() is None:
            run.process.terminate()
    for run in runs:
        run.process.wait(timeout=300)


def _start(kind: str, number: int, rig: Rig | None, scratch: Path, length_s: int) -> _Run:
    program = Installed(scratch / f"{kind}-{number}")
    graphite = ""
    if rig is not None:
        place = rig.address
        graphite = f'graphite: {{host: {place.host}, port: {place.port}, web: "{place.web}"}}\n'
    job = program.folder / "job.yaml"
    job.write_text(
        f"name: {kind}-{number}\ntarget: {{null_engine: true}}\nconfirm: never\n"
        f"workloads: [{{name: few, rw: randread, rate_iops: {_RATE_IOPS}}}]\n"
        f"duration: {length_s}s\n{graphite}",
        encoding="utf-8",
    )
    said = program.folder / "said.json"
    with said.open("wb") as output, (program.folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [PROGRAM, "run", job, "--json"],
            cwd=program.folder,
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
    return _Run(kind=kind, begun_s=time.monotonic(), process=process, said=said)


def _fail(rigs: dict[str, Rig], away_s: float) -> None:
    """One is killed and started again, one is stopped and started, one hangs."""
    hung = rigs[_HUNG].carbon_pid()
    os.kill(rigs[_DOWN].carbon_pid(), signal.SIGTERM)
    os.kill(hung, signal.SIGSTOP)
    until_s = time.monotonic() + away_s
    os.kill(rigs[_KILLED].carbon_pid(), signal.SIGKILL)
    rigs[_KILLED].heal()
    time.sleep(max(0.0, until_s - time.monotonic()))
    os.kill(hung, signal.SIGCONT)
    rigs[_DOWN].heal()


def _end_all(runs: list[_Run]) -> dict[str, list[float]]:
    """Seconds from start to end, by kind, in the order of the rounds."""
    ends: dict[int, float] = {}
    while len(ends) < len(runs):
        for number, run in enumerate(runs):
            if number not in ends and run.process.poll() is not None:
                ends[number] = time.monotonic()
        time.sleep(0.01)
    took: dict[str, list[float]] = {}
    for number, run in enumerate(runs):
        if run.process.returncode not in _MEASURED:
            raise BenchError(f"a run ended with {run.process.returncode}: {run.said.parent}")
        took.setdefault(run.kind, []).append(ends[number] - run.begun_s)
    return took


def _delays(took: dict[str, list[float]], away_s: float) -> list[Figure]:
    words = {
        _DOWN: f"away for {away_s:.0f} s",
        _HUNG: f"hung for {away_s:.0f} s",
        _KILLED: "killed and started again",
    }
    return [
        ratio_figure(
            f"time of a run, Carbon {words[fault]} / without Graphite",
            took[fault],
            took[_NONE],
            took[_AGAIN],
            goal=1.01,
        )
        for fault in _FAULTS
    ]


def _unread(runs: list[_Run]) -> Figure:
    """Runs whose points are not all there after it."""
    told = [run for run in runs if run.kind in _FAULTS]
    count = float(sum(not _is_complete(run) for run in told))
    return Figure(
        name="of these, runs whose read-back misses a point",
        unit="",
        value=count,
        n=len(told),
        goal=0.0,
        interval=(count, count),
    )


def _is_complete(run: _Run) -> bool:
    document: Any = json.loads(run.said.read_text(encoding="utf-8"))
    sink = document["sinks"]["graphite"]
    return bool(sink["is_complete"]) and sink["read_back"]["state"] == "complete"
