"""A program that goes on without us: started in a session of its own, found again by a file.

A pid alone proves nothing, for pids come back.  The file holds when the process was started too,
in the kernel's ticks and with the kernel's boot, and only a process that fits both is ours.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from storperf.agent.fio_process import start_ticks
from storperf.deadline import Deadline
from storperf.errors import InfrastructureError

_POLL_S = 0.02
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process that was started, as its pid file tells; `made_of` is the caller's own word."""

    pid: int
    ticks: int
    boot: str
    made_of: str


class Program:
    """One program with its pid file and its log."""

    def __init__(self, name: str, pid_file: Path, log: Path) -> None:
        self.name = name
        self.log = log
        self._pid_file = pid_file

    def find(self) -> Started | None:
        """The living process, None when there is none; a stale pid file is as good as none."""
        try:
            found = Started(**json.loads(self._pid_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        is_same = found.boot == _boot() and start_ticks(found.pid) == found.ticks
        return found if is_same and not _is_zombie(found.pid) else None

    @property
    def was_started(self) -> bool:
        """Whether it should be running: started, and not stopped by us since."""
        return self._pid_file.exists()

    def start(self, argv: Sequence[str], environment: Mapping[str, str], made_of: str) -> None:
        """Start it; the pid file is written before anything else can fail."""
        try:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    cwd=self.log.parent,
                    start_new_session=True,
                )
        except OSError as error:
            raise InfrastructureError(f"{self.name} cannot be started: {error}") from error
        ticks = start_ticks(process.pid)
        if ticks is None:
            raise InfrastructureError(f"{self.name} ended at once: {self.last_words()}")
        started = {"pid": process.pid, "ticks": ticks, "boot": _boot(), "made_of": made_of}
        fresh = self._pid_file.with_suffix(".new")
        fresh.write_text(json.dumps(started), encoding="utf-8")
        fresh.replace(self._pid_file)

    def stop(self, deadline: Deadline) -> bool:
        """End it: SIGTERM, and SIGKILL for its whole session at the deadline; False if none ran."""
        found = self.find()
        if found is None:
            self._pid_file.unlink(missing_ok=True)
            return False
        os.kill(found.pid, signal.SIGTERM)
        # One that somebody stopped hears nothing until it goes on.
        os.kill(found.pid, signal.SIGCONT)
        if not self._wait_for_end(deadline):
            os.killpg(found.pid, signal.SIGKILL)
            self._wait_for_end(Deadline.after(5))
        self._pid_file.unlink(missing_ok=True)
        return True

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])

    def _wait_for_end(self, deadline: Deadline) -> bool:
        pause = threading.Event()
        while self.find() is not None:
            if deadline.is_over:
                return False
            pause.wait(_POLL_S)
        return True


def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and only waits for its parent to look."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]
