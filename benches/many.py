"""A run of the installed program on many hosts of one machine, watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from figure import BenchError
from installed import PROGRAM, Installed, peak_bytes, watch
from recording import write_recording
from servers import LoopbackHost

from storperf.model.run import Phase, Trial
from storperf.stats.table import IntervalTable
from storperf.store.intervals import read_rows
from storperf.store.store import Store

_HERE = Path(__file__).parent
_EVERY_S = 0.5
_TIMEOUT_S = 900.0
# Pass, and inconclusive: a first run has no baseline, and nobody filled what is read.
_MEASURED = (0, 3)
# Behind a folder of this name stands a real fio.
REAL = "real"
# What looks at fio before a run is answered by what the real one said once.
_FIO = """#!/bin/sh
case " $* " in
*" --version "*) exec cat {folder}/version ;;
*" --enghelp "*) exec cat {folder}/engines ;;
*/{real}/*) exec fio "$@" ;;
*" --parse-only "*) exit 0 ;;
esac
exec {python} -ISE {replay} {recording} {length} "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was used until then: CPU seconds of the manager and of all cores, its peak memory."""

    at_s: float
    peak_bytes: int
    manager_s: float
    machine_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A run: its trials, when it entered each phase, and what it took meanwhile."""

    trials: tuple[Trial, ...]
    tables: tuple[IntervalTable, ...]
    entered: dict[Phase, float]
    ended_s: float
    peak_bytes: int
    moments: tuple[Moment, ...]

    def between(self, start_s: float, end_s: float) -> list[Moment]:
        """The moments from one time to another."""
        return [each for each in self.moments if start_s <= each.at_s <= end_s]


def replaying_fio(folder: Path, seconds: int) -> Path:
    """A fio that replays a recording of so many seconds, except for targets below `REAL`."""
    folder.mkdir(parents=True)
    length = write_recording(folder / "recording", seconds)
    for option, name in (("--version", "version"), ("--enghelp", "engines")):
        said = subprocess.run(["fio", option], capture_output=True, check=True)
        (folder / name).write_bytes(said.stdout)
    fio = folder / "fio"
    fio.write_text(
        _FIO.format(
            folder=folder,
            real=REAL,
            python=sys.executable,
            replay=_HERE / "replay_fio.py",
            recording=folder / "recording",
            length=length,
        ),
        encoding="utf-8",
    )
    fio.chmod(0o700)
    return fio


def run_on(program: Installed, hosts: Sequence[LoopbackHost], job: dict[str, Any]) -> Watched:
    """One `storperf run` of a job on all of the hosts; BenchError when it measured nothing."""
    path = program.folder / "job.yaml"
    path.write_text(json.dumps(_whole(job, hosts)), encoding="utf-8")
    with (program.folder / "said").open("w+", encoding="utf-8") as said:
        manager = subprocess.Popen(
            [PROGRAM, "run", path],
            cwd=program.folder,
            env=program.environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        meter = _Meter(manager.pid)
        most_bytes = watch(manager, _TIMEOUT_S, meter.look)
        ended_s = time.time()
        said.seek(0)
        if manager.returncode not in _MEASURED:
            raise BenchError(f"storperf ended with {manager.returncode}: {said.read()[-2000:]}")
    return _newest(program, ended_s, most_bytes, meter.moments)


def _whole(job: dict[str, Any], hosts: Sequence[LoopbackHost]) -> dict[str, Any]:
    """The job on these hosts; without a target of its own, on a folder of each."""
    entries = [host.entry(has_place="target" not in job) for host in hosts]
    return {
        "target": {"directory": "/nowhere", "size": "1M"},
        **job,
        "provider": {**job["provider"], "kind": "ssh", "hosts": entries},
        "matrix": {**job["matrix"], "agents": [len(hosts)]},
    }


def _newest(program: Installed, ended_s: float, peak: int, moments: Sequence[Moment]) -> Watched:
    """The newest run in the program's store."""
    with Store.open(program.folder / "results") as store:
        run = store.find_runs(limit=1)[0].id
        trials = store.trials(run)
        paths = [store.intervals_path(run, trial.id, trial.attempt) for trial in trials]
        return Watched(
            trials=tuple(trials),
            tables=tuple(map(read_rows, paths)),
            entered={each.phase: each.at_s for each in store.transitions(run)},
            ended_s=ended_s,
            peak_bytes=peak,
            moments=tuple(moments),
        )


def missing_or_double(trial: Trial, table: IntervalTable, recorded: int) -> list[str]:
    """What an agent's intervals lack in a trial, a sentence each; empty when each came once.

    In each direction the numbers must be 0, 1, 2 ... in the order in which they are stored, as
    many as were recorded, and their I/Os add up to what fio said in the end; a real one has as
    many as it printed.
    """
    found = []
    ends: Any = trial.facts["ends"]
    numbers = {name: number for number, name in enumerate(table.agents)}
    for name, end in ends.items():
        own = table.agent == numbers.get(name, -1)
        ios = end["targets"][0]["ios"]
        for op, word in enumerate(("read", "write")):
            rows = own & (table.op == op)
            index = table.index[rows]
            is_real = f"/{REAL}/" in " ".join(trial.facts["argv"][name][0])  # type: ignore[index]
            # A real fio's first document may come before its first write.
            first = int(index[0]) if is_real and len(index) else 0
            wanted = list(range(first, first + len(index) if is_real else recorded))
            if not len(index) or index.tolist() != wanted:
                found.append(f"{name}: {word} has intervals {index.tolist()}")
            elif int(np.sum(table.ios[rows])) != ios[word]:
                found.append(f"{name}: {word} does not add up to fio's {ios[word]}")
    return found


class _Meter:
    """Notes a few times a second what the manager and the machine have used."""

    def __init__(self, pid: int) -> None:
        self.moments: list[Moment] = []
        self._pid = pid
        self._clock_hz = os.sysconf("SC_CLK_TCK")
        self._next_s = 0.0

    def look(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return
        own = stat.rpartition(")")[2].split()
        with Path("/proc/stat").open(encoding="ascii") as source:
            of_all = [int(word) for word in source.readline().split()[1:9]]
        # user, nice, system, irq, softirq and steal: neither idle nor waiting.
        busy = sum(of_all) - of_all[3] - of_all[4]
        self.moments.append(
            Moment(
                at_s=time.time(),
                peak_bytes=peak_bytes(self._pid),
                manager_s=(int(own[11]) + int(own[12])) / self._clock_hz,
                machine_s=busy / self._clock_hz,
            )
        )
