"""One fio on one target: started, followed, ended in time.

Output goes to a file (`--output=FILE` is clean JSON where stdout mixes in notes)
and is read as it grows.  fio that does not end is told so three times: SIGINT,
SIGTERM, SIGKILL, `GRACE_S` apart; known cases never end (axboe/fio issue 1588).
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any, Dict, List, Optional

from storperf.agent.counters import OPS, CounterDiffer, errors
from storperf.agent.documents import Document, DocumentSplitter

GRACE_S = 5.0
_CHUNK = 1 << 18
_STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def start_ticks(pid: int) -> Optional[int]:
    """When a process started, in clock ticks since boot: pid and this name it for good."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as source:
            return int(source.read().rsplit(b")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def kill_group(pid: int, ticks: Optional[int]) -> bool:
    """SIGKILL a process group of ours, unless the pid has another owner by now."""
    if ticks is None or start_ticks(pid) != ticks:
        return False
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class FioProcess:
    """One running fio.  `end` is None until `poll` has seen it end."""

    def __init__(self, target: int, argv: List[str], folder: str, cwd: str) -> None:
        self.target = target
        self.end: Optional[Dict[str, Any]] = None
        self._output = os.path.join(folder, "target-{}.json".format(target))
        self._messages = os.path.join(folder, "target-{}.log".format(target))
        with open(self._output, "wb"), open(self._messages, "wb") as messages:
            self._process = subprocess.Popen(
                [*argv, "--output=" + self._output],
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.ticks = start_ticks(self.pid)
        self._fd = os.open(self._output, os.O_RDONLY | os.O_CLOEXEC)
        self._splitter = DocumentSplitter()
        self._differ = CounterDiffer()
        self._broken = ""
        self._errors: List[int] = []
        self._fio_version = ""
        self._signals_sent = 0
        self._next_signal_s: Optional[float] = None
        self.is_stopped = False
        self.is_timed_out = False

    def stop(self, now_s: float) -> None:
        """Ask fio to end; `poll` insists."""
        if self._next_signal_s is None and self.end is None:
            self.is_stopped = True
            self._next_signal_s = now_s

    def time_out(self, now_s: float) -> None:
        """The same for a fio that ran past its time."""
        self.is_timed_out = True
        self.stop(now_s)

    def poll(self, now_s: float) -> List[Dict[str, Any]]:
        """Intervals that are new, per direction; sets `end` when fio is gone."""
        if self._next_signal_s is not None and now_s >= self._next_signal_s:
            self._insist(now_s)
        exit_status = self._process.poll()
        found = self._read()
        if exit_status is not None and self.end is None:
            found += self._intervals(self._splitter.finish())
            self._close(exit_status)
        return found

    def _insist(self, now_s: float) -> None:
        wanted = _STEPS[min(self._signals_sent, len(_STEPS) - 1)]
        self._signals_sent += 1
        self._next_signal_s = now_s + GRACE_S
        if self._process.poll() is None:
            os.killpg(self.pid, wanted)

    def _read(self) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = []
        while self.end is None:
            chunk = os.read(self._fd, _CHUNK)
            if not chunk:
                break
            found += self._intervals(self._splitter.feed(chunk))
        return found

    def _intervals(self, documents: List[Document]) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = []
        for document in documents:
            try:
                figures = self._differ.intervals(document)
                self._errors = errors(document)
                self._fio_version = str(document.get("fio version", ""))
                at_ms = int(document["timestamp_ms"])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self._broken = "{}: {}".format(type(error).__name__, error)
                continue
            found += [{"at_ms": at_ms, **slice_figures} for slice_figures in figures]
        return found

    def _close(self, exit_status: int) -> None:
        os.close(self._fd)
        with open(self._messages, "rb") as source:
            source.seek(max(0, os.fstat(source.fileno()).st_size - 4096))
            tail = source.read().decode("utf-8", "replace").splitlines()
        last = self._differ.last
        self.end = {
            "target": self.target,
            "exit_status": exit_status if exit_status >= 0 else None,
            "signal": -exit_status if exit_status < 0 else None,
            "stopped": self.is_stopped,
            "timed_out": self.is_timed_out,
            "fio_version": self._fio_version,
            "documents": self._splitter.documents,
            "rubbish": self._splitter.rubbish,
            "broken": self._broken,
            "errors": self._errors,
            "resets": self._differ.resets,
            "ios": {op: last[op].ios for op in OPS},
            "bytes": {op: last[op].bytes for op in OPS},
            "runtime_ms": {op: last[op].runtime_ms for op in OPS},
            "last_lines": [line[:300] for line in tail[-10:] if line.strip()],
            "notes": self._splitter.notes,
        }

    def kill(self) -> None:
        """End fio at once and reap it."""
        kill_group(self.pid, self.ticks)
        self._process.wait()
