"""Discards every block of a device by blkdiscard(8), which may take minutes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import Callable, Dict, List, Sequence

from storperf.agent import devices
from storperf.agent.fio_process import kill_left
from storperf.agent.refusal import FAILED, Refusal

# Between two pieces it can be killed.
_STEP_BYTES = 1 << 30
_STOP_S = 10.0


def argv(path: str) -> List[str]:
    """--force, because the device is held open by us."""
    return ["blkdiscard", "--force", "--step", str(_STEP_BYTES), path]


class Purges:
    """The blkdiscards of one run, one for each device; `folder` is their working directory."""

    def __init__(self, folder: str, argv: Callable[[str], List[str]] = argv) -> None:
        self._folder = folder
        self._argv = argv
        self._running: Dict[str, "subprocess.Popen[bytes]"] = {}
        self._done: List[str] = []

    def poll(self, paths: Sequence[str]) -> bool:
        """Whether all are discarded; what was not begun is begun.  Refusal when one failed."""
        for path in paths:
            if path not in self._running and path not in self._done:
                self._start(path)
        for path, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[path]
                said = process.communicate()[1].decode("utf-8", "replace").strip()
                if process.returncode:
                    message = "{} cannot be purged: {}".format(path, said or process.returncode)
                    raise Refusal(FAILED, message)
                self._done.append(path)
        return all(path in self._done for path in paths)

    def stop(self) -> List[str]:
        """End what runs; what does not end, in words."""
        give_up_s = time.monotonic() + _STOP_S
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        while any(process.poll() is None for process in self._running.values()):
            if time.monotonic() > give_up_s:
                break
            select.select((), (), (), 0.02)
        left = [path for path, process in self._running.items() if process.poll() is None]
        for path, process in self._running.items():
            if path not in left and process.stderr is not None:
                process.stderr.close()
        self._running = {}
        return ["blkdiscard of {} does not end; its storage hangs".format(path) for path in left]

    def _start(self, path: str) -> None:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        # One of a supervisor that was killed would discard what is written later.
        give_up_s = time.monotonic() + _STOP_S
        while not self._running and kill_left(self._folder):
            if time.monotonic() > give_up_s:
                raise Refusal(FAILED, "an earlier blkdiscard of {} does not end".format(path))
            select.select((), (), (), 0.02)
        try:
            self._running[path] = subprocess.Popen(
                self._argv(path),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd=self._folder,
                env=devices.environment(),
            )
        except OSError as error:
            message = "{} cannot be purged: blkdiscard: {}".format(path, error.strerror)
            raise Refusal(FAILED, message) from error
