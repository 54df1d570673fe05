"""What this host is busy with: the counters of /proc and /sys over a short slice.

Source of the fields: Documentation/block/stat.rst, filesystems/proc.rst and
accounting/psi.rst of Linux, proc_pid_stat(5).
"""

from __future__ import annotations

import os
import select
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from storperf.agent import proc_texts
from storperf.agent.facts import read_text
from storperf.agent.processes import parse_process

Facts = Dict[str, Any]

_SECTOR_BYTES = 512
_IDLE = ("cpu.idle", "cpu.iowait")
_MOST_PROCESSES = 5
_LEAST_CORES = 0.05


def parse_device_stat(text: str) -> Dict[str, float]:
    """Operations, bytes and busy seconds of a block device; counters."""
    words = text.split()
    return {
        "reads_per_s": float(words[0]),
        "read_bytes_per_s": float(int(words[2]) * _SECTOR_BYTES),
        "writes_per_s": float(words[4]),
        "write_bytes_per_s": float(int(words[6]) * _SECTOR_BYTES),
        "busy_share": int(words[9]) / 1000,
    }


def _processes() -> Dict[int, Tuple[str, float]]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            process = parse_process(read_text("/proc/" + name + "/stat"))
            if process is not None:
                found[int(name)] = (process.name, process.cpu_s)
    return found


def _swapped_pages() -> Optional[int]:
    pages = None
    for line in read_text("/proc/vmstat").splitlines():
        if line.startswith(("pswpin ", "pswpout ")):
            pages = (pages or 0) + int(line.split()[1])
    return pages


class _Counters:
    """All counters at one moment."""

    def __init__(self, folders: Dict[str, str], now_s: float) -> None:
        self.at_s = now_s
        self.cpu = proc_texts.parse_stat(read_text("/proc/stat"))
        self.devices = {
            name: parse_device_stat(text)
            for name, folder in folders.items()
            if (text := read_text(folder + "/stat"))
        }
        self.pressure = {
            kind: counters["some"]
            for kind in ("cpu", "io", "memory")
            if "some"
            in (counters := proc_texts.parse_pressure(read_text("/proc/pressure/" + kind)))
        }
        self.swapped_pages = _swapped_pages()
        self.processes = _processes()


def _cpu_shares(before: _Counters, after: _Counters) -> Facts:
    """Shares of all cores' time: `busy_share` is what this host's own programs took."""
    spent = {key: after.cpu[key] - value for key, value in before.cpu.items() if key in after.cpu}
    spent.pop("cpu.context_switches", None)
    total = sum(spent.values())
    if total <= 0:
        return {}
    steal = spent.get("cpu.steal", 0.0)
    idle = sum(spent.get(key, 0.0) for key in _IDLE)
    return {
        "steal_share": round(max(0.0, steal) / total, 4),
        "busy_share": round(max(0.0, total - idle - steal) / total, 4),
    }


def _busy_processes(before: _Counters, after: _Counters, duration_s: float) -> List[Facts]:
    """The processes that used most CPU, in cores."""
    found: List[Tuple[float, int, str]] = []
    for pid, (name, cpu_s) in after.processes.items():
        started = before.processes.get(pid, (name, 0.0))
        cores = (cpu_s - started[1]) / duration_s
        if started[0] == name and cores >= _LEAST_CORES:
            found.append((round(cores, 2), pid, name))
    busiest = sorted(found, reverse=True)[:_MOST_PROCESSES]
    return [{"pid": pid, "name": name, "cores": cores} for cores, pid, name in busiest]


def watch(
    folders: Dict[str, str],
    interval_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Facts:
    """What went on during `interval_s`; `folders` maps device names to their folders in sysfs.

    A figure that the host lacks is absent.
    """
    before = _Counters(folders, clock())
    select.select((), (), (), interval_s)
    after = _Counters(folders, clock())
    duration_s = max(after.at_s - before.at_s, 1e-3)
    devices = {
        name: {
            key: round(max(0.0, value - before.devices[name][key]) / duration_s, 4)
            for key, value in counters.items()
        }
        for name, counters in after.devices.items()
        if name in before.devices
    }
    pressure = {
        kind: round(max(0.0, value - before.pressure[kind]) / duration_s, 4)
        for kind, value in after.pressure.items()
        if kind in before.pressure
    }
    swapped = None
    if before.swapped_pages is not None and after.swapped_pages is not None:
        pages = max(0, after.swapped_pages - before.swapped_pages)
        swapped = round(pages * os.sysconf("SC_PAGE_SIZE") / duration_s)
    return {
        "interval_s": round(duration_s, 3),
        "cpu": _cpu_shares(before, after),
        "devices": devices,
        "pressure": pressure,
        "swapped_bytes_per_s": swapped,
        "load_1m": float((read_text("/proc/loadavg") or "0").split()[0]),
        "processes": _busy_processes(before, after, duration_s),
        "fio_pids": sorted(pid for pid, (name, _) in after.processes.items() if name == "fio"),
    }
