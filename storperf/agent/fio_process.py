"""One fio on one target: started, followed, ended in time.

Output goes to a file (`--output=FILE` is clean JSON where stdout mixes in notes)
and is read as it grows.  fio that does not end is told so three times: SIGINT,
SIGTERM, SIGKILL, `GRACE_S` apart; known cases never end (axboe/fio issue 1588).
With numjobs fio forks, each fork in a session of its own, and they outlive a main process
that is killed (fio 3.33, tried).  What they share is their working directory, a folder for
each fio: whatever stands in it goes when the main process has gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import Any, Dict, List, Optional, Tuple

from storperf.agent.counters import OPS, CounterDiffer, cpu_shares, errors
from storperf.agent.documents import Document, DocumentSplitter
from storperf.agent.gate import Gate

GRACE_S = 5.0
# One poll reads no more than this: a fio that prints without end must not hold the loop.
_POLL_BYTES = 4 << 20
_CHUNK = 1 << 18
# More than this that is no status document, and fio is killed before it fills the disk.
FLOOD_BYTES = 64 << 20
_STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def start_ticks(pid: int) -> Optional[int]:
    """When a process started, in clock ticks since boot: pid and this name it for good."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as source:
            return int(source.read().rsplit(b")", 1)[1].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def kill_left(folder: str) -> List[int]:
    """SIGKILL for every process whose working directory is this folder; their pids."""
    killed = []
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if os.path.samefile("/proc/{}/cwd".format(pid), folder):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        except OSError:
            continue  # gone meanwhile, or not ours to look at
    return killed


def _for_each_job(argv: List[str], options: List[str]) -> List[str]:
    """The command with options behind every `--name=`: those of one fio job are not the others'."""
    words: List[str] = []
    for word in argv:
        words += [word, *options] if word.startswith("--name=") else [word]
    return words


class FioProcess:
    """One running fio.  `end` is None until `poll` has seen it end."""

    def __init__(self, target: int, argv: List[str], folder: str, *, gated: bool = False) -> None:
        self.target = target
        self.end: Optional[Dict[str, Any]] = None
        self._folder = os.path.join(folder, "target-{}".format(target))
        self._output = os.path.join(folder, "target-{}.json".format(target))
        self._messages = os.path.join(folder, "target-{}.log".format(target))
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        waiting = Gate.options(argv) if gated else None
        self._gate = None if waiting is None else Gate(self._folder)
        with open(self._output, "wb"), open(self._messages, "wb") as messages:
            self._process = subprocess.Popen(
                [*_for_each_job(argv, waiting or []), "--output=" + self._output],
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.ticks = start_ticks(self.pid)
        self._fd = os.open(self._output, os.O_RDONLY | os.O_CLOEXEC)
        self._splitter = DocumentSplitter()
        self._differ = CounterDiffer()
        self._broken = ""
        self._errors: List[int] = []
        self._cpu: List[List[float]] = []
        self._fio_version = ""
        self._slices = 0
        self._since_document = 0
        self._is_flooding = False
        self._signals_sent = 0
        self._next_signal_s: Optional[float] = None
        self.is_stopped = False
        self.is_timed_out = False

    @property
    def has_ended(self) -> bool:
        """Whether fio is gone, its output read or not."""
        return self._process.poll() is not None

    def release(self) -> None:
        """Let a gated fio begin."""
        if self._gate is not None:
            self._gate.open()

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
        """Intervals that are new, per direction; sets `end` when fio is gone and all is read."""
        if self.end is not None:
            return []
        if self._next_signal_s is not None and now_s >= self._next_signal_s:
            self._insist(now_s)
        has_ended = self._process.poll() is not None
        if has_ended:
            kill_left(self._folder)
        found, is_all = self._read()
        if has_ended and is_all:
            found += self._intervals(self._splitter.finish())
            self._close(self._process.returncode)
        return found

    def _insist(self, now_s: float) -> None:
        wanted = _STEPS[min(self._signals_sent, len(_STEPS) - 1)]
        self._signals_sent += 1
        self._next_signal_s = now_s + GRACE_S
        self._signal(wanted)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self.pid, number)

    def _read(self) -> Tuple[List[Dict[str, Any]], bool]:
        """Intervals in the next piece of the output, and whether that was all there is."""
        found: List[Dict[str, Any]] = []
        for _ in range(_POLL_BYTES // _CHUNK):
            chunk = b"" if self._is_flooding else os.read(self._fd, _CHUNK)
            if not chunk:
                break
            documents = self._splitter.feed(chunk)
            self._since_document = 0 if documents else self._since_document + len(chunk)
            found += self._intervals(documents)
        self._stem_flood()
        return found, not chunk

    def _stem_flood(self) -> None:
        messages_bytes = os.stat(self._messages).st_size
        if max(self._since_document, messages_bytes) > FLOOD_BYTES and not self._is_flooding:
            self._is_flooding = True
            self._broken = "{} MiB came that are no status document".format(FLOOD_BYTES >> 20)
            self._signal(signal.SIGKILL)

    def _intervals(self, documents: List[Document]) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = []
        for document in documents:
            try:
                figures = self._differ.intervals(document)
                self._errors = errors(document)
                self._cpu = cpu_shares(document)
                self._fio_version = str(document.get("fio version", ""))
                at_ms = int(document["timestamp_ms"])
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                self._broken = "{}: {}".format(type(error).__name__, error)
                continue
            found += [{"at_ms": at_ms, "index": self._slices, **of_op} for of_op in figures]
            self._slices += bool(figures)
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
            "cpu": self._cpu,
            "runtime_ms": {op: last[op].runtime_ms for op in OPS},
            "last_lines": [line[:300] for line in tail[-10:] if line.strip()],
            "notes": self._splitter.notes,
        }

    def kill(self) -> None:
        """End fio at once; one that hangs in the kernel is not waited for."""
        self._signal(signal.SIGKILL)
        kill_left(self._folder)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE_S)
