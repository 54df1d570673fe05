"""The installed `storperf` as a process, and a fio that notes when it was started and ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from figure import BenchError

from storperf.model.run import Phase
from storperf.store.store import Store

PROGRAM = Path(sys.executable).with_name("storperf")
_TIMEOUT_S = 120.0
_POLL_S = 0.01
# Pass, and inconclusive: a first run has no baseline.  Anything else measured nothing.
_MEASURED = (0, 3)

# bash, because it tells the time without starting a process.  What looks at fio before a run
# (version, engines, checked arguments) is handed through without a note.
_FIO = """#!/bin/bash
case " $* " in *" --version "* | *" --enghelp "* | *" --parse-only "*) exec fio "$@" ;; esac
echo "exec $EPOCHREALTIME" >>"$0.times"
fio "$@"
code=$?
echo "exit $EPOCHREALTIME" >>"$0.times"
exit $code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run of the installed program: when what happened, in epoch seconds.

    `execs` and `exits` are fio's, the fill first; `entered` is the store's word on phases.
    """

    started_s: float
    ended_s: float
    peak_bytes: int
    execs: tuple[float, ...]
    exits: tuple[float, ...]
    entered: dict[Phase, float]


class Installed:
    """Runs job files in a folder and an environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fio = folder / "fio"
        folder.mkdir(parents=True)
        self.fio.write_text(_FIO, encoding="utf-8")
        self.fio.chmod(0o700)

    def environment(self, results: str = "results") -> dict[str, str]:
        """Nothing of the caller's but PATH: what he set for Python must not change a figure."""
        return {
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "STORPERF_RESULTS": str(self.folder / results),
            "STORPERF_AGENTS": str(self.folder / "agents"),
        }

    def run(self, job: str, results: str = "results") -> Ended:
        """One whole `storperf run`; BenchError when it measured nothing."""
        path = self.folder / "job.yaml"
        path.write_text(f"{job}provider: {{fio: {self.fio}}}\n", encoding="utf-8")
        times = Path(f"{self.fio}.times")
        times.write_text("", encoding="utf-8")
        with (self.folder / "said").open("w+", encoding="utf-8") as said:
            started_s = time.time()
            manager = subprocess.Popen(
                [PROGRAM, "run", path],
                cwd=self.folder,
                env=self.environment(results),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            most_bytes = watch(manager)
            ended_s = time.time()
            said.seek(0)
            if manager.returncode not in _MEASURED:
                raise BenchError(f"storperf ended with {manager.returncode}: {said.read()[-2000:]}")
        noted = [line.split() for line in times.read_text(encoding="utf-8").splitlines()]
        return Ended(
            started_s=started_s,
            ended_s=ended_s,
            peak_bytes=most_bytes,
            execs=tuple(float(at) for what, at in noted if what == "exec"),
            exits=tuple(float(at) for what, at in noted if what == "exit"),
            entered=_phases(self.folder / results),
        )


def watch(
    process: subprocess.Popen[bytes],
    timeout_s: float = _TIMEOUT_S,
    meanwhile: Callable[[], None] = lambda: None,
) -> int:
    """Wait for the end of a process, calling `meanwhile`; its own `peak_bytes`."""
    most = 0
    give_up_s = time.monotonic() + timeout_s
    while process.poll() is None:
        if time.monotonic() > give_up_s:
            process.terminate()
            process.wait(timeout=60)
            raise BenchError(f"{process.args!r} did not end within {timeout_s:g} s")
        most = max(most, peak_bytes(process.pid))
        meanwhile()
        time.sleep(_POLL_S)
    return most


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever held (VmHWM); 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return max((int(words[1]) * 1024 for words in lines), default=0)


def _phases(results: Path) -> dict[Phase, float]:
    """When the newest run entered each phase."""
    with Store.open(results) as store:
        newest = store.find_runs(limit=1)[0]
        return {each.phase: each.at_s for each in store.transitions(newest.id)}
