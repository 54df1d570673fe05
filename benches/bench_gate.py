"""How far apart the first I/Os of many fios are that are released together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from effort import Effort
from figure import Figure
from installed import Installed
from many import run_on
from noise import median_figure
from servers import loopback_hosts

_SERVERS = 5
# How many agents, and how far apart their first I/Os may be, in ms.
_GOALS = {4: 30.0, 50: 250.0}
_JOB = {
    "name": "gate",
    "target": {"null_engine": True, "size": "1G"},
    "workloads": [{"name": "rr", "rw": "randread", "rate_iops": 100}],
    "matrix": {"queue_depth": 1},
    # On a busy machine the last of fifty may be late by more than a second.
    "duration": "3s",
}


def measure(effort: Effort) -> list[Figure]:
    """Real fios on the null engine, each on an agent of its own, in trials of three seconds."""
    return [
        figure
        for count, goal_ms in _GOALS.items()
        for figure in _measure_with(effort.scratch / f"gate-{count}", count, goal_ms, effort.gates)
    ]


def _measure_with(folder: Path, count: int, goal_ms: float, trials: int) -> list[Figure]:
    """fio's own first moment is the time of its first document less its runtime until then."""
    program = Installed(folder)
    with loopback_hosts(folder / "hosts", count, _SERVERS) as hosts:
        run = run_on(program, hosts, {**_JOB, "repeats": trials, "provider": {"fio": "fio"}})
    found: list[Any] = [trial.facts["together"] for trial in run.trials]
    first_ms = [1000 * each["start_skew_s"] for each in found]
    opened_ms = [1000 * each["gate_skew_s"] for each in found]
    return [
        median_figure(f"{count} agents: first I/Os of fio within", "ms", first_ms, goal=goal_ms),
        median_figure(f"{count} agents: their gates opened within", "ms", opened_ms),
    ]
