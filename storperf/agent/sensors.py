"""Host figures from /proc, read through file descriptors that stay open.

Counters become rates per second of the slice between two samples; gauges are
as found.  A figure that the host lacks is absent.  Source of the fields:
Documentation/filesystems/proc.rst, admin-guide/iostats.rst and accounting/psi.rst
of Linux.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Optional

Figures = Dict[str, float]

_SECTOR_BYTES = 512
# The kernel hands out most of /proc in pieces of a page.
_PIECE_BYTES = 1 << 16
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_MEMORY = {
    "MemAvailable": "memory.available_bytes",
    "Dirty": "memory.dirty_bytes",
    "Writeback": "memory.writeback_bytes",
    "SwapFree": "memory.swap_free_bytes",
}
_NOT_HARDWARE = ("loop", "ram", "zram", "sr", "fd")


def parse_stat(text: str) -> Figures:
    """CPU seconds by state over all cores, context switches; counters."""
    counters: Figures = {}
    for line in text.splitlines():
        words = line.split()
        if words[0] == "cpu":
            for state, ticks in zip(_CPU_STATES, words[1:]):
                counters["cpu." + state] = int(ticks) / _TICKS_PER_S
        elif words[0] == "ctxt":
            counters["cpu.context_switches"] = float(words[1])
    return counters


def parse_diskstats(text: str) -> Figures:
    """I/Os, bytes and busy seconds of each block device; counters, old kernels have fewer."""
    counters: Figures = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 14 or words[2].startswith(_NOT_HARDWARE):
            continue
        name = "disk." + words[2].replace(".", "_") + "."
        counters[name + "reads"] = float(words[3])
        counters[name + "read_bytes"] = float(int(words[5]) * _SECTOR_BYTES)
        counters[name + "writes"] = float(words[7])
        counters[name + "write_bytes"] = float(int(words[9]) * _SECTOR_BYTES)
        counters[name + "busy"] = int(words[12]) / 1000
        counters[name + "queue"] = int(words[13]) / 1000
    return counters


def parse_net_dev(text: str) -> Figures:
    """Bytes and drops of each interface but lo; counters."""
    counters: Figures = {}
    for line in text.splitlines()[2:]:
        name, _, rest = line.rpartition(":")
        words = rest.split()
        name = name.strip().replace(".", "_")
        if name == "lo" or len(words) < 12:
            continue
        counters["net." + name + ".receive_bytes"] = float(words[0])
        counters["net." + name + ".transmit_bytes"] = float(words[8])
        counters["net." + name + ".drops"] = float(words[3]) + float(words[11])
    return counters


def parse_pressure(text: str) -> Figures:
    """Seconds in which some task, or every task, waited; counters."""
    counters: Figures = {}
    for line in text.splitlines():
        words = line.split()
        for word in words[1:]:
            key, _, value = word.partition("=")
            if key == "total":
                counters[words[0]] = int(value) / 1e6
    return counters


def parse_meminfo(text: str) -> Figures:
    """Memory in bytes; gauges."""
    gauges: Figures = {}
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        if key in _MEMORY:
            gauges[_MEMORY[key]] = float(int(rest.split()[0]) * 1024)
    return gauges


def parse_loadavg(text: str) -> Figures:
    """Load of one minute and runnable tasks; gauges."""
    words = text.split()
    return {"load.1m": float(words[0]), "load.runnable": float(words[3].split("/")[0])}


class _Source:
    """One file of /proc, opened once."""

    def __init__(self, path: str, parse: Callable[[str], Figures], prefix: str = "") -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.parse = parse
        self.prefix = prefix

    def read(self) -> Figures:
        """The figures, none when the file cannot be read or is not as expected."""
        content = b""
        try:
            while piece := os.pread(self.fd, _PIECE_BYTES, len(content)):
                content += piece
            figures = self.parse(content.decode("ascii", "replace"))
        except (OSError, ValueError, IndexError):
            return {}
        if self.prefix:
            return {self.prefix + name: value for name, value in figures.items()}
        return figures


def _open(path: str, parse: Callable[[str], Figures], prefix: str = "") -> List[_Source]:
    try:
        return [_Source(path, parse, prefix)]
    except OSError:
        return []


class HostSensors:
    """Samples the host; `proc` is another folder in tests."""

    def __init__(self, proc: str = "/proc") -> None:
        self._counters = (
            _open(proc + "/stat", parse_stat)
            + _open(proc + "/diskstats", parse_diskstats)
            + _open(proc + "/net/dev", parse_net_dev)
        )
        for kind in ("cpu", "io", "memory"):
            self._counters += _open(
                proc + "/pressure/" + kind, parse_pressure, "pressure." + kind + "."
            )
        self._gauges = _open(proc + "/meminfo", parse_meminfo) + _open(
            proc + "/loadavg", parse_loadavg
        )
        self._before: Optional[Figures] = None
        self._before_s = 0.0

    def sample(self, now_s: float) -> Optional[Figures]:
        """Rates since the last call and gauges now; None at the first call.

        `now_s` is monotonic seconds.  A counter that went back (a wrapped or
        replaced device) yields no figure for this slice.
        """
        counters: Figures = {}
        for source in self._counters:
            counters.update(source.read())
        before, self._before = self._before, counters
        duration_s = now_s - self._before_s
        self._before_s = now_s
        if before is None or duration_s <= 0:
            return None
        figures = {
            name: round((value - before[name]) / duration_s, 6)
            for name, value in counters.items()
            if name in before and value >= before[name]
        }
        for source in self._gauges:
            figures.update(source.read())
        return figures

    def close(self) -> None:
        """Close the files."""
        for source in self._counters + self._gauges:
            os.close(source.fd)
