"""Many agents on one manager: how long until they are there, and what they cost at work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from effort import Effort
from figure import BenchError, Figure
from installed import Installed
from many import REAL, Moment, Watched, missing_or_double, replaying_fio, run_on
from noise import median_figure
from servers import LoopbackHost, loopback_hosts

from storperf.model.run import Phase

_SERVERS = 5
_WIDE = 200
_REAL_BESIDES = 8
_REAL_ALONE = 20
_REAL_RUNTIME_S = 10
_SHORT_S = 5
_SLICE_S = 2.0
# The release, and the first documents of all of them, are no part of the steady load.
_SETTLE_S = 2.0
_MIB = 1 << 20
_MOST = 150e6 / _MIB


def measure(effort: Effort) -> list[Figure]:
    """Runs with more and more hosts that replay a recording, real fios beside the widest."""
    figures: list[Figure] = []
    for count in effort.scale_agents:
        is_widest = count == max(effort.scale_agents)
        runtime_s = effort.scale_widest_s if is_widest else effort.scale_s
        real = _REAL_BESIDES if is_widest else 0
        figures += _measure_with(effort.scratch / f"scale-{count}", count, real, runtime_s)
    real_s = min(_REAL_RUNTIME_S, effort.scale_s)
    return figures + _measure_with(effort.scratch / "scale-real", 0, _REAL_ALONE, real_s)


def _measure_with(folder: Path, replaying: int, real: int, runtime_s: int) -> list[Figure]:
    program = Installed(folder)
    fio = replaying_fio(folder / "replay", runtime_s)
    with loopback_hosts(folder / "hosts", replaying + real, _SERVERS) as empty:
        hosts = (*empty[:replaying], *map(_with_real_fio, empty[replaying:]))
        first = run_on(program, hosts, _job(fio, runtime_s))
        again = run_on(program, hosts, _job(fio, _SHORT_S)) if real and replaying else None
    who = f"{replaying} agents" if replaying else f"{real} agents with real fio"
    return _figures(who, first, again, runtime_s, is_wide=replaying >= _WIDE)


def _with_real_fio(host: LoopbackHost) -> LoopbackHost:
    data = host.folder / REAL
    data.mkdir()
    return replace(host, data=data)


def _job(fio: Path, runtime_s: int) -> dict[str, Any]:
    return {
        "name": "scale",
        "workloads": [{"name": "mixed", "rw": "randrw", "rate_iops": 200}],
        "matrix": {"block_size": "4k", "queue_depth": 1},
        "duration": f"{runtime_s}s",
        "precondition": {"fill": False},
        "provider": {"fio": str(fio)},
    }


def _figures(
    who: str, first: Watched, again: Watched | None, runtime_s: int, *, is_wide: bool
) -> list[Figure]:
    (trial,), (table,) = first.trials, first.tables
    faults = missing_or_double(trial, table, runtime_s)
    if faults:
        raise BenchError(f"{who}: {len(faults)} lack intervals: {'; '.join(faults[:3])}")
    together: Any = trial.facts["together"]
    start_s, end_s = float(table.start_s[table.index == 0].max()), float(table.end_s.max())
    manager, machine = _used(first, start_s + _SETTLE_S, end_s)
    until_end = [each.peak_bytes for each in first.between(0.0, end_s)]
    figures = [
        _once("intervals, each received once", "", len(table)),
        _once("connected, the agent brought there", "s", _connecting_s(first), goal=15.0),
        _once("manager's CPU while connecting", "s", _connecting_cpu_s(first)),
        median_figure("manager's CPU, of one core", "%", manager, goal=40.0),
        median_figure("CPU of the whole machine, of one core", "%", machine),
        _once("manager's peak memory until fio's end", "MiB", max(until_end) / _MIB, goal=_MOST),
        _once("manager's peak memory, with the reports", "MiB", first.peak_bytes / _MIB),
        _once("gates opened within", "ms", 1000 * together["gate_skew_s"]),
        _once("first I/O within", "ms", 1000 * together["start_skew_s"]),
        _once("fio's end to the end of the command", "s", first.ended_s - end_s),
    ]
    if again is not None:
        figures.insert(2, _once("connected, the agent there already", "s", _connecting_s(again)))
    return [
        replace(each, name=f"{who}: {each.name}", goal=each.goal if is_wide else None)
        for each in figures
    ]


def _once(name: str, unit: str, value: float, *, goal: float | None = None) -> Figure:
    """What is measured a single time has no interval."""
    return Figure(name=name, unit=unit, value=value, n=1, goal=goal)


def _connecting_s(run: Watched) -> float:
    """From the first connection until the journal of the last agent is followed."""
    return run.entered[Phase.PREPARE] - run.entered[Phase.PROVISION]


def _connecting_cpu_s(run: Watched) -> float:
    meanwhile = run.between(run.entered[Phase.PROVISION], run.entered[Phase.PREPARE])
    if not meanwhile:
        raise BenchError("the agents were connected before anybody looked")
    return meanwhile[-1].manager_s - meanwhile[0].manager_s


def _used(run: Watched, start_s: float, end_s: float) -> tuple[list[float], list[float]]:
    """CPU of the manager and of the machine, slice by slice, in % of one core."""
    manager, machine = [], []
    before: Moment | None = None
    for now in run.between(start_s, end_s):
        if before is None or now.at_s - before.at_s >= _SLICE_S:
            if before is not None:
                took_s = now.at_s - before.at_s
                manager.append(100 * (now.manager_s - before.manager_s) / took_s)
                machine.append(100 * (now.machine_s - before.machine_s) / took_s)
            before = now
    if not manager:
        raise BenchError("the trial is too short for a slice of CPU")
    return manager, machine
