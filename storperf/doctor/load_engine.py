"""Findings about fio: its version, its I/O engines, what the kernel allows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.doctor.wanted import Wanted
from storperf.fio import version
from storperf.model.finding import Finding, Level

Facts = dict[str, Any]

# fio, its libraries, its output and its pipes keep a few dozen files open.
_FILES_OF_FIO = 64
_FEW_FILES = 1024
_ASYNCHRONOUS = ("libaio",)


def load_engine_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """fio, its engine, and the limits they run into."""
    yield _fio(facts["fio"])
    if "error" not in facts["fio"]:
        yield _ioengine(facts, wanted)
    yield _open_files(facts["limits"], wanted)
    if wanted.ioengine in _ASYNCHRONOUS:
        yield _asynchronous(facts["limits"], wanted)


def _fio(found: Facts) -> Finding:
    why = "fio makes the load and takes the times; storperf reads the output of known versions"
    remedy = "install it (apt-get install fio), or name one in the job file with provider.fio"
    fault = found.get("error") or version.version_fault(found["version"])
    if fault is not None:
        text = f"no usable fio: {fault}"
        return Finding(check="fio", level=Level.PROBLEM, found=text, why=why, remedy=remedy)
    engines, least = len(found["engines"]), version.least_version()
    text = f"{found['version']} with {engines} I/O engines ({least} or newer is needed)"
    return Finding(check="fio", level=Level.OK, found=text, why=why)


def _ioengine(facts: Facts, wanted: Wanted) -> Finding:
    why = "another I/O engine measures another way into the kernel; figures are not comparable"
    name, known = wanted.ioengine, facts["fio"]["engines"]
    if not known:
        text = f"fio does not list its engines; whether it has {name} shows when a run begins"
        return Finding(check="ioengine", level=Level.NOT_KNOWN, found=text, why=why)
    if name not in known:
        text = f"this fio has no {name}; it has {', '.join(known)}"
        remedy = f"install a fio built with {name}, or name another ioengine in the job file"
        return Finding(check="ioengine", level=Level.PROBLEM, found=text, why=why, remedy=remedy)
    limits = facts["limits"]
    disabled = limits.get("io_uring_disabled", 0)
    if name == "io_uring" and (disabled == 2 or (disabled == 1 and not limits["is_root"])):
        text = f"the kernel refuses io_uring here (kernel.io_uring_disabled is {disabled})"
        remedy = "sysctl kernel.io_uring_disabled=0, or ioengine: libaio in the job file"
        return Finding(check="ioengine", level=Level.PROBLEM, found=text, why=why, remedy=remedy)
    return Finding(check="ioengine", level=Level.OK, found=f"{name} is there", why=why)


def _open_files(limits: Facts, wanted: Wanted) -> Finding:
    why = "each fio job opens each target; at the limit fio ends with an error"
    needed = wanted.numjobs * max(1, len(wanted.targets)) + _FILES_OF_FIO
    has = int(limits["open_files"])
    text = f"{has} files may be open at once, about {needed} are needed"
    remedy = f"ulimit -n {max(_FEW_FILES, needed)}, or LimitNOFILE= of the service"
    if has < 0:  # RLIM_INFINITY
        text, level = "no limit on open files", Level.OK
    elif has < needed:
        level = Level.PROBLEM
    elif has < _FEW_FILES:
        level = Level.WARNING
    else:
        level = Level.OK
    remedy = "" if level is Level.OK else remedy
    return Finding(check="open files", level=level, found=text, why=why, remedy=remedy)


def _asynchronous(limits: Facts, wanted: Wanted) -> Finding:
    why = "libaio takes its requests from a pool of the whole host; when it is empty, fio fails"
    name = "asynchronous requests"
    if "aio_allowed" not in limits or "aio_used" not in limits:
        text = "the kernel does not say how many it allows"
        return Finding(check=name, level=Level.NOT_KNOWN, found=text, why=why)
    left = limits["aio_allowed"] - limits["aio_used"]
    needed = wanted.outstanding * max(1, len(wanted.targets))
    text = f"{left} of {limits['aio_allowed']} are free; needed: {needed}"
    if left >= needed:
        return Finding(check=name, level=Level.OK, found=text, why=why)
    more = limits["aio_used"] + 2 * needed
    remedy = f"sysctl fs.aio-max-nr={more}, or a smaller queue_depth"
    return Finding(check=name, level=Level.PROBLEM, found=text, why=why, remedy=remedy)
