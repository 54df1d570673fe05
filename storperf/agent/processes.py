"""Who uses this host: CPU, memory and I/O of processes, by name.

To look at every process costs what the host has of them, so it is done with each sample only as
long as a small share of a core pays for it; on a host with many it is done more rarely.
What a process did after the last look at it and before its end is not seen.
Source: proc_pid_stat(5), proc_pid_io(5).
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Collection, Dict, List, NamedTuple, Optional, Sequence, Set

from storperf.agent.proc_texts import TICKS_PER_S, Figures

Facts = Dict[str, Any]

# What all looks together may take: some CPU seconds at once, so that a short trial has figures
# too, and then a share of one core; more when somebody asked for processes by name.
_CREDIT_S = 0.02
_SHARE = 0.001
_SHARE_NAMED = 0.004
MOST_TOP = 8
FIGURES = ("count", "cpu", "memory_bytes", "read_bytes", "write_bytes")
_MOST_OF_A_KIND = 4
_NAME_BYTES = 15  # TASK_COMM_LEN less its end
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_IS_KERNEL_THREAD = 0x00200000  # PF_KTHREAD
_LEAST_CPU = 0.01
_LEAST_IO_BYTES_PER_S = 4096


class Process(NamedTuple):
    """One line of /proc/PID/stat."""

    name: str
    parent: int
    started: int
    cpu_s: float
    memory_bytes: int
    is_kernel: bool


def parse_process(text: str) -> Optional[Process]:
    """None for one that has ended, or is none; blanks and brackets may be in the name."""
    before, _, after = text.rpartition(")")
    words = after.split()
    if not words or words[0] in "ZX":
        return None
    try:
        return Process(
            before.partition("(")[2],
            int(words[1]),
            int(words[19]),
            (int(words[11]) + int(words[12])) / TICKS_PER_S,
            int(words[21]) * _PAGE_BYTES,
            bool(int(words[6]) & _IS_KERNEL_THREAD),
        )
    except (ValueError, IndexError):
        return None


def parse_io(text: str) -> Optional[Sequence[int]]:
    """Bytes read from and written to storage; None when they do not stand there."""
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found[key] = value
    try:
        return int(found["read_bytes"]), int(found["write_bytes"])
    except (ValueError, KeyError):
        return None


def _read(path: str) -> str:
    """A file of a process; empty when it has ended, or is not ours to look at."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)


class Use:
    """What the processes of a name did; I/O is None where nobody may see it."""

    __slots__ = ("count", "cpu_s", "memory_bytes", "read_bytes", "write_bytes")

    def __init__(self) -> None:
        self.count = 0
        self.cpu_s = 0.0
        self.memory_bytes = 0
        self.read_bytes: Optional[int] = None
        self.write_bytes: Optional[int] = None

    def add_io(self, read_bytes: int, write_bytes: int) -> None:
        """Bytes of one of the processes."""
        self.read_bytes = (self.read_bytes or 0) + read_bytes
        self.write_bytes = (self.write_bytes or 0) + write_bytes

    def add_later(self, use: "Use") -> None:
        """A later slice: sums go on, memory and number are the highest that was seen."""
        self.count = max(self.count, use.count)
        self.cpu_s += use.cpu_s
        self.memory_bytes = max(self.memory_bytes, use.memory_bytes)
        if use.read_bytes is not None and use.write_bytes is not None:
            self.add_io(use.read_bytes, use.write_bytes)

    @property
    def io_bytes(self) -> int:
        """Both directions; 0 where nothing is known."""
        return (self.read_bytes or 0) + (self.write_bytes or 0)


class Processes:
    """Looks at every process now and then; `named` are those that become figures."""

    def __init__(
        self,
        proc: str,
        named: Collection[str] = (),
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._proc = proc
        self._named = tuple(name[:_NAME_BYTES] for name in named)
        self._share = _SHARE_NAMED if self._named else _SHARE
        self._clock = clock
        self._begun_s: Optional[float] = None
        self._spent_s = 0.0
        self._seen_s: Optional[float] = None
        self._watched_s = 0.0
        self._busy_s: Optional[float] = None
        self._before: Dict[int, Process] = {}
        self._io: Dict[int, Optional[Sequence[int]]] = {}
        self._totals: Dict[str, Use] = {}

    def look(
        self, now_s: float, busy_s: Optional[float], fio_pids: Collection[int] = ()
    ) -> Figures:
        """Figures since the last look; none at the first, and while there is no CPU time for one.

        `busy_s` are the CPU seconds of all programs and of the kernel for them, by /proc/stat.
        """
        if self._begun_s is None:
            self._begun_s = now_s
        if self._spent_s > _CREDIT_S + self._share * (now_s - self._begun_s):
            return {}
        self._spent_s -= self._clock()
        processes = self._all()
        uses = self._uses(processes)
        figures: Figures = {}
        if self._seen_s is not None and now_s > self._seen_s:
            duration_s = now_s - self._seen_s
            figures.update(self._parts(processes, busy_s, fio_pids, duration_s))
            figures.update(self._of_named(uses, duration_s))
            self._watched_s += duration_s
            for name, use in uses.items():
                self._totals.setdefault(name, Use()).add_later(use)
        self._before, self._busy_s, self._seen_s = processes, busy_s, now_s
        self._spent_s += self._clock()
        return figures

    def top(self) -> List[Facts]:
        """Those that used most CPU, memory and I/O since the first look, by name, busiest first."""
        if not self._watched_s:
            return []
        by_cpu = self._highest(lambda use: use.cpu_s / self._watched_s, _LEAST_CPU)
        by_io = self._highest(lambda use: use.io_bytes / self._watched_s, _LEAST_IO_BYTES_PER_S)
        by_memory = self._highest(lambda use: use.memory_bytes, 1)[:1]
        names = list(dict.fromkeys([*by_cpu, *by_io, *by_memory]))[:MOST_TOP]
        return [self._told(name, self._totals[name]) for name in names]

    def _highest(self, value: Callable[[Use], float], least: float) -> List[str]:
        found = [(value(use), name) for name, use in self._totals.items() if value(use) >= least]
        return [name for _, name in sorted(found, reverse=True)[:_MOST_OF_A_KIND]]

    def _told(self, name: str, use: Use) -> Facts:
        told = {
            "name": name,
            "count": use.count,
            "cpu_cores": round(use.cpu_s / self._watched_s, 3),
            "memory_bytes": use.memory_bytes,
        }
        if use.read_bytes is not None and use.write_bytes is not None:
            told["read_bytes_per_s"] = round(use.read_bytes / self._watched_s)
            told["write_bytes_per_s"] = round(use.write_bytes / self._watched_s)
        return told

    def _all(self) -> Dict[int, Process]:
        found = {}
        for name in os.listdir(self._proc):
            if name.isdigit():
                process = parse_process(_read("{}/{}/stat".format(self._proc, name)))
                if process is not None:
                    found[int(name)] = process
        return found

    def _uses(self, processes: Dict[int, Process]) -> Dict[str, Use]:
        """What was done since the last look, by name, without the kernel's own threads."""
        uses: Dict[str, Use] = {}
        for pid, process in processes.items():
            if process.is_kernel:
                continue
            use = uses.setdefault(process.name, Use())
            cpu_s = self._cpu_s(pid, process)
            use.count += 1
            use.cpu_s += cpu_s
            use.memory_bytes += process.memory_bytes
            self._add_io(use, pid, process, has_run=cpu_s > 0)
        self._io = {pid: found for pid, found in self._io.items() if pid in processes}
        return uses

    def _cpu_s(self, pid: int, process: Process) -> float:
        """Since the last look; of one that is new since then all of it."""
        if self._seen_s is None:
            return 0.0
        before = self._before.get(pid)
        is_known = before is not None and before.started == process.started
        spent_s = before.cpu_s if before is not None and is_known else 0.0
        return max(0.0, process.cpu_s - spent_s)

    def _add_io(self, use: Use, pid: int, process: Process, *, has_run: bool) -> None:
        """Nobody does I/O without CPU: only who ran is asked, and who is new."""
        before = self._before.get(pid)
        is_new = before is None or before.started != process.started
        if is_new or has_run:
            now = parse_io(_read("{}/{}/io".format(self._proc, pid)))
            then = (0, 0) if is_new and self._seen_s is not None else self._io.get(pid)
            if now is not None and then is not None:
                use.add_io(max(0, now[0] - then[0]), max(0, now[1] - then[1]))
            self._io[pid] = now
        elif self._io.get(pid) is not None:
            use.add_io(0, 0)

    def _parts(
        self,
        processes: Dict[int, Process],
        busy_s: Optional[float],
        fio_pids: Collection[int],
        duration_s: float,
    ) -> Figures:
        """Cores that fio, this agent, the kernel's threads and all others took.

        The others are what is left of /proc/stat: programs that came and went between two
        looks are among them, and in a container those outside of it.
        """
        of_fio = _descendants(processes, fio_pids)
        of_agent = _descendants(processes, (os.getpid(),)) - of_fio
        parts = {"fio": 0.0, "agent": 0.0, "kernel_threads": 0.0}
        for pid, process in processes.items():
            if process.is_kernel:
                parts["kernel_threads"] += self._cpu_s(pid, process)
            elif pid in of_fio:
                parts["fio"] += self._cpu_s(pid, process)
            elif pid in of_agent:
                parts["agent"] += self._cpu_s(pid, process)
        if busy_s is not None and self._busy_s is not None and busy_s >= self._busy_s:
            parts["others"] = max(0.0, busy_s - self._busy_s - sum(parts.values()))
        return {"cpu." + part: round(cpu_s / duration_s, 6) for part, cpu_s in parts.items()}

    def _of_named(self, uses: Dict[str, Use], duration_s: float) -> Figures:
        """A named process that does not run has a count of 0, and no other figure."""
        figures: Figures = {}
        for name in self._named:
            prefix = "process.{}.".format(name.replace(".", "_"))
            use = uses.get(name)
            figures[prefix + "count"] = float(use.count if use else 0)
            if use is None:
                continue
            figures[prefix + "cpu"] = round(use.cpu_s / duration_s, 6)
            figures[prefix + "memory_bytes"] = float(use.memory_bytes)
            if use.read_bytes is not None and use.write_bytes is not None:
                figures[prefix + "read_bytes"] = round(use.read_bytes / duration_s, 6)
                figures[prefix + "write_bytes"] = round(use.write_bytes / duration_s, 6)
        return figures


def _descendants(processes: Dict[int, Process], roots: Collection[int]) -> Set[int]:
    """The given processes and all that came of them."""
    children: Dict[int, List[int]] = {}
    for pid, process in processes.items():
        children.setdefault(process.parent, []).append(pid)
    found: Set[int] = set()
    waiting = [pid for pid in roots if pid in processes]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found
