"""Is this host fit to measure?  The facts alone; what they mean is judged elsewhere."""

from __future__ import annotations

import ctypes
import glob
import os
import resource
from typing import Any, Dict, List

from storperf.agent import activity, places
from storperf.agent.facts import (
    fio_facts,
    host_facts,
    read_text,
    run_quietly,
    virtual_facts,
)

Facts = Dict[str, Any]

_LONGEST_INTERVAL_S = 10.0
_STA_UNSYNC = 0x40
_QUERY_S = 1.0
_MEMORY = {
    "MemTotal": "total_bytes",
    "MemAvailable": "available_bytes",
    "SwapTotal": "swap_bytes",
    "SwapFree": "swap_free_bytes",
}


def examine(fio: str, requests: List[Facts], interval_s: float) -> Facts:
    """Everything that a judgement of this host needs; takes `interval_s` and little more."""
    if not 0 < interval_s <= _LONGEST_INTERVAL_S:
        raise ValueError("interval_s must be above 0 and at most 10")
    # Watched before anything of ours makes work.
    folders = {
        os.path.basename(folder): folder
        for request in requests
        for folder in _folders_of(str(request["path"]))
    }
    went_on = activity.watch(folders, interval_s)
    targets = []
    for request in requests:
        found = places.target_facts(request)
        found["devices"] = [places.block_facts(folder) for folder in found.pop("folders", [])]
        targets.append(found)
    return {
        "host": {**host_facts(), "usable_cpus": len(os.sched_getaffinity(0))},
        "fio": fio_facts(fio),
        "governors": governors(),
        "virtual": virtual_facts(),
        "clock": clock_facts(),
        "memory": memory_facts(),
        "limits": limit_facts(),
        "targets": targets,
        "activity": went_on,
    }


def _folders_of(path: str) -> List[str]:
    """The devices under a path, without trying anything on it."""
    try:
        rdev = os.stat(path).st_rdev
    except OSError:
        rdev = 0
    if rdev:
        return places.block_folders("{}:{}".format(os.major(rdev), os.minor(rdev)))
    folder = places.nearest_folder(os.path.abspath(path))
    found = places.block_folders(places.folder_facts(folder)["device"])
    source = places.mount_source(os.path.realpath(folder))
    return found or (_folders_of(source) if source.startswith("/dev/") else [])


def governors(cpus: str = "/sys/devices/system/cpu") -> Dict[str, int]:
    """How many CPUs each frequency governor rules; empty where none can be seen."""
    counts: Dict[str, int] = {}
    for path in glob.glob(cpus + "/cpu[0-9]*/cpufreq/scaling_governor"):
        name = read_text(path)
        if name:
            counts[name] = counts.get(name, 0) + 1
    return counts


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), up to where nothing more is read, and room for the rest."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 40),
    ]


def clock_facts() -> Facts:
    """`is_synchronised` with its `source`; None when nobody here knows.

    The kernel's own word comes first.  chronyd tells the kernel only with rtcsync, so that its
    No is not the last word.
    """
    found = _kernel_clock()
    if found.get("is_synchronised"):
        return found
    asked = run_quietly(["chronyc", "-n", "tracking"], _QUERY_S).get("output", "")
    for line in asked.splitlines():
        if line.startswith("Leap status"):
            is_synchronised = "Not synchronised" not in line
            return {"is_synchronised": is_synchronised, "source": "chronyc"}
    if found:
        return found
    argv = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    said = run_quietly(argv, _QUERY_S).get("output", "").strip()
    if said in ("yes", "no"):
        return {"is_synchronised": said == "yes", "source": "timedatectl"}
    return {"is_synchronised": None, "source": "nobody"}


def _kernel_clock() -> Facts:
    """What adjtimex(2) says; nothing where it is not to be had.  Reading needs no rights."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return {}
    if state < 0:
        return {}
    return {
        "is_synchronised": not timex.status & _STA_UNSYNC,
        "source": "the kernel",
        "largest_error_s": timex.maxerror / 1e6,
    }


def memory_facts(meminfo: str = "/proc/meminfo") -> Facts:
    """Memory and swap in bytes."""
    found: Facts = {}
    for line in read_text(meminfo).splitlines():
        key, _, rest = line.partition(":")
        if key in _MEMORY:
            found[_MEMORY[key]] = int(rest.split()[0]) * 1024
    return found


def limit_facts() -> Facts:
    """What the kernel allows this user: open files, asynchronous requests, io_uring."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found: Facts = {"open_files": soft, "open_files_hard": hard, "is_root": os.geteuid() == 0}
    for key, name in (
        ("aio_used", "fs/aio-nr"),
        ("aio_allowed", "fs/aio-max-nr"),
        ("io_uring_disabled", "kernel/io_uring_disabled"),
    ):
        text = read_text("/proc/sys/" + name)
        if text.isdigit():
            found[key] = int(text)
    return found
