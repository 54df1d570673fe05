"""The `workloads` list of a job file as Workload values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from storperf.fio.options import ALIASES, PINNED_BLOCK_SIZE, RW_VALUES, canonical_name, option_fault
from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.scalars import BLOCK_SIZE, NUMJOBS, QUEUE_DEPTH, WORKLOAD_NAME
from storperf.jobfile.source import Path
from storperf.model.job import Workload
from storperf.workloads.shipped import WORKLOADS

_RW_MODIFIER = re.compile(r"(?::[0-9]+|:[+-]?[0-9]+[kKmMgG]?)?")


def read_workloads(
    entries: Sequence[object], *, unsafe_allowed: bool
) -> tuple[tuple[Workload, ...], list[Fault]]:
    """The workloads without a fault, and the faults of the others."""
    workloads: list[Workload] = []
    faults: list[Fault] = []
    for index, entry in enumerate(entries):
        path: Path = ("workloads", index)
        workload, wrong = _read_entry(entry, path, unsafe_allowed=unsafe_allowed)
        if workload is not None and any(workload.name == other.name for other in workloads):
            wrong = [
                Fault(path, f"a second workload is called {workload.name!r}; give it a `name`")
            ]
            workload = None
        if workload is not None:
            workloads.append(workload)
        faults += wrong
    return tuple(workloads), faults


def _read_entry(
    entry: object, path: Path, *, unsafe_allowed: bool
) -> tuple[Workload | None, list[Fault]]:
    if isinstance(entry, str):
        if entry in WORKLOADS:
            return WORKLOADS[entry], []
        return None, [Fault(path, f"no workload is called {entry!r}; {nearest(entry, WORKLOADS)}")]
    if not isinstance(entry, dict):
        return None, [Fault(path, "must be a workload's name or a mapping of fio options")]
    return _read_mapping(entry, path, unsafe_allowed=unsafe_allowed)


def _read_mapping(
    entry: dict[str, object], path: Path, *, unsafe_allowed: bool
) -> tuple[Workload | None, list[Fault]]:
    faults: list[Fault] = []
    options: dict[str, str] = {}
    for key, value in entry.items():
        if key == "name" or value is None:
            continue
        text = _option_text(value)
        if text is None:
            faults.append(Fault((*path, key), "must be a single value"))
            continue
        wrong = option_fault(key, text, unsafe_allowed=unsafe_allowed) or _value_fault(key, text)
        if wrong is None and canonical_name(key) in options:
            wrong = f"is another spelling of {canonical_name(key)!r}, which stands here already"
        if wrong is not None:
            faults.append(Fault((*path, key), wrong))
        options.setdefault(canonical_name(key), text)
    faults += _shape_faults(options, path)
    name, wrong = _name(entry, options)
    if wrong is not None:
        faults.append(Fault((*path, "name"), wrong))
    if faults:
        return None, faults
    return Workload(name=name, options=tuple(options.items())), []


def _option_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    return value if isinstance(value, str) else None


def _name(entry: dict[str, object], options: dict[str, str]) -> tuple[str, str | None]:
    """The workload's name, `rw`'s value when none is given; and what is wrong with it."""
    given = entry.get("name")
    if given is None:
        return options.get("rw", "").split(":")[0], None
    try:
        return WORKLOAD_NAME(given), None
    except ValueError as error:
        return "", str(error)


def _value_fault(key: str, text: str) -> str | None:
    """What is wrong with a value that storperf itself must understand."""
    name = canonical_name(key)
    try:
        if name == "rw":
            _check_rw(text)
        elif name == "bs" and "," not in text:
            BLOCK_SIZE(text)
        elif name == "iodepth":
            QUEUE_DEPTH(text)
        elif name == "numjobs":
            NUMJOBS(text)
    except ValueError as error:
        return str(error)
    return None


def _check_rw(text: str) -> None:
    pattern, _, _ = text.partition(":")
    if pattern not in RW_VALUES:
        raise ValueError(f"{pattern!r} is not a pattern of fio; {nearest(pattern, RW_VALUES)}")
    if _RW_MODIFIER.fullmatch(text.removeprefix(pattern)) is None:
        raise ValueError(f"{text!r} has an offset that is no number; write {pattern}:8")


def _shape_faults(options: dict[str, str], path: Path) -> list[Fault]:
    faults = []
    if "rw" not in options:
        spelled = [alias for alias, name in ALIASES.items() if name == "rw"]
        faults.append(
            Fault(path, f"needs `rw` (or {', '.join(spelled)}), the direction of its I/O")
        )
    sizes = [key for key in PINNED_BLOCK_SIZE if key in options]
    if len(sizes) > 1:
        faults.append(Fault(path, f"{' and '.join(sizes)} say the block size twice"))
    return faults
