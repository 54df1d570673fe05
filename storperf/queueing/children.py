"""Child processes that carry runs out, and outlive the server that started them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from storperf.errors import InfrastructureError
from storperf.settings import Settings

LOG = "manager.log"
_LAST_BYTES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process and the descriptor that becomes readable when it ends."""

    process: subprocess.Popen[bytes]
    ended_fd: int

    @property
    def has_ended(self) -> bool:
        """Whether it has; then it is no zombie any more."""
        return self.process.poll() is not None

    def forget(self) -> None:
        """Close what we hold of it; it goes on."""
        os.close(self.ended_fd)


def start_child(settings: Settings, run_id: str, folder: Path, lock_fd: int) -> Child:
    """Start the process that carries a run out; it holds the lock for as long as it lives.

    It is in a session of its own: a signal for the server's is none for it.  What it says
    goes to `manager.log` in the run's folder.
    """
    argv = [sys.executable, "-P", "-m", "storperf", "--results", str(settings.results)]
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [*argv, "queue", "carry-out", run_id],
                cwd=settings.directory,
                env=dict(settings.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock_fd,),
            )
        return Child(process=process, ended_fd=os.pidfd_open(process.pid))
    except OSError as error:
        raise InfrastructureError(f"run {run_id} cannot be started: {error}") from error


def last_words(folder: Path) -> str:
    """The end of what a run's children said; empty when they said nothing."""
    path = folder / LOG
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LAST_BYTES))
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
