"""Memory over a day at one second: the whole program, with a fio that prints a day in a minute."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from effort import Effort
from figure import BenchError, Figure
from installed import Installed, peak_bytes, watch
from noise import median_figure

_HERE = Path(__file__).parent
_MANAGER = _HERE / "day_manager.py"
_GOAL = 1.3
_HOURS = 6
_TIMEOUT_S = 900.0
_MIB = 1 << 20
# Inconclusive: a first run has no baseline.
_MEASURED = 3
_JOB = (
    "name: day\ntarget: {{null_engine: true}}\nworkloads: [rr]\nduration: {hours}h\n"
    "provider: {{fio: {fio}}}\n"
)
# What looks at fio before a run is answered by the real one.
_FIO = """#!/bin/sh
case " $* " in *" --version "* | *" --enghelp "* | *" --parse-only "*) exec fio "$@" ;; esac
exec {python} -SE {day_fio} "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The most memory that each process ever held (VmHWM), in bytes."""

    manager: int
    agent: int


def measure(effort: Effort) -> list[Figure]:
    """Runs of an hour and one of a day: every interval, sample, histogram, figure and the report.

    The day is run once, for it is long and its peak hardly moves; the interval of the ratio
    comes from the hours.
    """
    program = Installed(effort.scratch / "day")
    program.fio.write_text(
        _FIO.format(python=sys.executable, day_fio=_HERE / "day_fio.py"), encoding="utf-8"
    )
    hours = [_peaks(program, 1, f"hour-{number}") for number in range(_HOURS)]
    day = _peaks(program, effort.day_hours, "day")
    of_day = f"{effort.day_hours} h at 1 s"
    return [
        *_figures("manager", of_day, [each.manager for each in hours], day.manager),
        *_figures("agent", of_day, [each.agent for each in hours], day.agent),
    ]


def _figures(who: str, of_day: str, hours: Sequence[int], day: int) -> list[Figure]:
    return [
        median_figure(f"{who}'s peak memory, 1 h at 1 s", "MiB", [each / _MIB for each in hours]),
        median_figure(f"{who}'s peak memory, {of_day}", "MiB", [day / _MIB]),
        median_figure(f"{of_day} / 1 h, {who}", "x", [day / each for each in hours], goal=_GOAL),
    ]


def _peaks(program: Installed, hours: int, results: str) -> Peaks:
    path = program.folder / "job.yaml"
    path.write_text(_JOB.format(hours=hours, fio=program.fio), encoding="utf-8")
    with (program.folder / "said").open("w+", encoding="utf-8") as said:
        manager = subprocess.Popen(
            [sys.executable, _MANAGER, "run", path],
            cwd=program.folder,
            env=program.environment(results),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        agent = _AgentPeak(program.folder / "agents")
        most = watch(manager, _TIMEOUT_S, agent.look)
        said.seek(0)
        if manager.returncode != _MEASURED or not agent.peak_bytes:
            raise BenchError(f"the day ended with {manager.returncode}: {said.read()[-2000:]}")
    return Peaks(manager=most, agent=agent.peak_bytes)


class _AgentPeak:
    """What the supervisor of a run held at most; it ends shortly before the run does."""

    def __init__(self, agents: Path) -> None:
        self.peak_bytes = 0
        self._agents = agents
        self._pid: int | None = None

    def look(self) -> None:
        """Look at it now, or for it."""
        self._pid = self._pid or _supervisor(self._agents)
        if self._pid is not None:
            self.peak_bytes = max(self.peak_bytes, peak_bytes(self._pid))


def _supervisor(agents: Path) -> int | None:
    """The process that supervises a run whose folder is below this one."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"supervise" in words and any(str(agents).encode() in word for word in words):
            return int(folder.name)
    return None
