"""The processes of the OpenStack lab, for tests that take one away."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Service:
    """One of the lab's, by the name of its file in run/; its process leads a group."""

    def __init__(self, folder: Path, name: str) -> None:
        self._pid_file = folder / "run" / f"{name}.pid"
        self._log = folder / "logs" / f"{name}.log"

    @property
    def pid(self) -> int:
        """Of the group's leader."""
        return int(self._pid_file.read_text())

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stopped inside (SIGSTOP): it takes connections and says nothing."""
        os.killpg(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid, signal.SIGCONT)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Killed (SIGKILL) inside, started again as it was by the lab afterwards."""
        argv = _words(self._pid_file.with_suffix(".argv"))
        environment = dict(
            word.split("=", 1) for word in _words(self._pid_file.with_suffix(".env"))
        )
        os.killpg(self.pid, signal.SIGKILL)
        _wait_until_gone(self.pid)
        try:
            yield
        finally:
            with self._log.open("ab") as log:
                started = subprocess.Popen(
                    argv,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._pid_file.write_text(f"{started.pid}\n")
            # It outlives this object; the lab's down.sh ends it.
            started.returncode = 0


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip("\0").split("\0")


def _wait_until_gone(group: int) -> None:
    give_up_s = time.monotonic() + 20
    while time.monotonic() < give_up_s:
        with suppress(ChildProcessError):  # one that was started here before waits to be reaped
            os.waitpid(-group, os.WNOHANG)
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process group {group} does not end")
