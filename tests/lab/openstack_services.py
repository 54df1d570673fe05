"""The processes of the OpenStack lab, for tests that take one away."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Service:
    """One of the lab's, by the name of its file in run/; its process leads a group."""

    def __init__(self, folder: Path, name: str) -> None:
        self._pid_file = folder / "run" / f"{name}.pid"

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
