"""What stands in the files of /proc and of cgroups, as numbers; counters in the kernel's own units.

Source: Documentation/filesystems/proc.rst, admin-guide/iostats.rst, accounting/psi.rst,
admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst of Linux.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List

Figures = Dict[str, float]
Counters = Dict[str, int]

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
CPU_STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
# In the order of the file: 11 of them from 2.6.25 on, discards from 4.18 on, flushes from 5.5 on.
DEVICE_FIELDS = (
    *("reads", "read_merges", "read_sectors", "read_ms"),
    *("writes", "write_merges", "write_sectors", "write_ms"),
    *("in_flight", "busy_ms", "queue_ms"),
    *("discards", "discard_merges", "discard_sectors", "discard_ms"),
    *("flushes", "flush_ms"),
)
_LEAST_FIELDS = 11
# A partition's line before 2.6.25.
_OLD_PARTITION_FIELDS = ("reads", "read_sectors", "writes", "write_sectors")
# Columns of /proc/net/dev; several are added up.
_NET_FIELDS = {
    "receive_bytes": (0,),
    "receive_packets": (1,),
    "transmit_bytes": (8,),
    "transmit_packets": (9,),
    "errors": (2, 10),
    "drops": (3, 11),
}
_MEMORY = {
    "MemTotal": "memory.total_bytes",
    "MemFree": "memory.free_bytes",
    "MemAvailable": "memory.available_bytes",
    "Buffers": "memory.buffers_bytes",
    "Cached": "memory.cached_bytes",
    "Dirty": "memory.dirty_bytes",
    "Writeback": "memory.writeback_bytes",
    "AnonPages": "memory.anonymous_bytes",
    "Slab": "memory.slab_bytes",
    "SwapTotal": "memory.swap_total_bytes",
    "SwapFree": "memory.swap_free_bytes",
}


def parse_stat(text: str) -> Figures:
    """CPU seconds by state over all cores, context switches; counters."""
    counters: Figures = {}
    for line in text.splitlines():
        if line.startswith("cpu "):
            for state, ticks in zip(CPU_STATES, line.split()[1:]):
                counters["cpu." + state] = int(ticks) / TICKS_PER_S
        elif line.startswith("ctxt "):
            counters["cpu.context_switches"] = float(line.split()[1])
    return counters


def parse_cores(text: str) -> Dict[str, List[int]]:
    """Ticks by state of each core, in the order of CPU_STATES; counters."""
    cores = {}
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break
        name, *ticks = line.split()
        if name != "cpu":
            cores[name] = [int(word) for word in ticks[: len(CPU_STATES)]]
    return cores


def parse_blocked(text: str) -> Figures:
    """Tasks that wait for I/O; a gauge."""
    for line in text.splitlines():
        if line.startswith("procs_blocked "):
            return {"load.blocked": float(line.split()[1])}
    return {}


def _every(_name: str) -> bool:
    return True


def parse_diskstats(text: str, is_wanted: Callable[[str], bool] = _every) -> Dict[str, Counters]:
    """The fields of each wanted block device, those that this kernel has; `in_flight` is a gauge.

    A line that is longer than any known one ends in fields of a newer kernel; one with a number
    of fields between the known ones has those that are complete.
    """
    devices = {}
    for line in text.splitlines():
        words = line.split(None, 3)
        if len(words) < 4 or not is_wanted(words[2]):
            continue
        numbers = words[3].split()
        fields = DEVICE_FIELDS if len(numbers) >= _LEAST_FIELDS else _OLD_PARTITION_FIELDS
        devices[words[2]] = {key: int(word) for key, word in zip(fields, numbers)}
    return devices


def parse_net_dev(text: str) -> Dict[str, Counters]:
    """Bytes, packets, errors and drops of each interface but lo; counters."""
    interfaces = {}
    for line in text.splitlines()[2:]:
        name, _, rest = line.rpartition(":")
        words = rest.split()
        if name.strip() != "lo" and len(words) >= 12:
            interfaces[name.strip()] = {
                key: sum(int(words[at]) for at in places) for key, places in _NET_FIELDS.items()
            }
    return interfaces


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


def parse_throttling(text: str) -> Figures:
    """Periods, throttled periods and throttled seconds of a cgroup with a CPU limit; counters.

    Nothing when it has none: without a quota no period is counted.  Seconds are summed over
    cores.  v1 counts nanoseconds in `throttled_time`, v2 microseconds in `throttled_usec`.
    """
    found = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found[key] = value
    if not int(found.get("nr_periods", 0)):
        return {}
    seconds = (
        int(found["throttled_usec"]) / 1e6
        if "throttled_usec" in found
        else int(found["throttled_time"]) / 1e9
    )
    return {
        "periods": float(found["nr_periods"]),
        "throttled_periods": float(found["nr_throttled"]),
        "throttled": seconds,
    }


def parse_meminfo(text: str) -> Figures:
    """Memory in bytes; gauges."""
    gauges: Figures = {}
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        if key in _MEMORY:
            gauges[_MEMORY[key]] = float(int(rest.split()[0]) * 1024)
    return gauges


def parse_loadavg(text: str) -> Figures:
    """Load of one, five and fifteen minutes, and runnable tasks; gauges."""
    words = text.split()
    return {
        "load.1m": float(words[0]),
        "load.5m": float(words[1]),
        "load.15m": float(words[2]),
        "load.runnable": float(words[3].split("/")[0]),
    }
