"""The `workloads` list of a job file as Workload values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from itertools import product
from math import prod

from storperf.fio.options import ALIASES, PINNED_BLOCK_SIZE, RW_VALUES, canonical_name, option_fault
from storperf.jobfile.faults import Fault, nearest
from storperf.jobfile.fio_files import read_fio_file
from storperf.jobfile.scalars import BLOCK_SIZE, NUMJOBS, QUEUE_DEPTH, WORKLOAD_NAME
from storperf.jobfile.source import Path
from storperf.model.job import Workload
from storperf.workloads.shipped import WORKLOADS

MAX_LOOPS = 1000
# As many as there can be trials.
MAX_WORKLOADS = 10_000
_RW_MODIFIER = re.compile(r"(?::[0-9]+|:[+-]?[0-9]+[kKmMgG]?)?")
# Options that are an axis of the matrix: where a workload lists several, each is a step.
_AXES: dict[str, Callable[[object], int]] = {
    "bs": BLOCK_SIZE,
    "iodepth": QUEUE_DEPTH,
    "numjobs": NUMJOBS,
}

Entry = Mapping[str, object]
Options = dict[str, str]


def read_workloads(
    entries: Sequence[object], known: Collection[str] = (), *, unsafe_allowed: bool
) -> tuple[tuple[Workload, ...], list[Fault]]:
    """The workloads without a fault, and the faults of the others.

    `known` are names besides the shipped ones that could have been meant.
    """
    workloads: list[Workload] = []
    faults: list[Fault] = []
    taken: set[str] = set()
    for index, entry in enumerate(entries):
        path: Path = ("workloads", index)
        if len(taken) > MAX_WORKLOADS or len(faults) > MAX_LOOPS:
            faults.append(Fault(path, f"at most {MAX_WORKLOADS} workloads are possible"))
            break
        found, wrong = _read_entry(entry, path, known, unsafe_allowed=unsafe_allowed)
        for workload in found:
            if workload.name in taken:
                message = f"a second workload is called {workload.name!r}; give it a `name`"
                wrong.append(Fault(path, message))
            taken.add(workload.name)
        if not wrong:
            workloads += found
        faults += wrong
    return tuple(workloads), faults


def _read_entry(
    entry: object, path: Path, known: Collection[str], *, unsafe_allowed: bool
) -> tuple[list[Workload], list[Fault]]:
    if isinstance(entry, str):
        if entry in WORKLOADS:
            return [WORKLOADS[entry]], []
        near = nearest(entry, {*WORKLOADS, *known})
        if not near.startswith("did you mean"):
            near = nearest(entry, WORKLOADS)
        return [], [Fault(path, f"no workload is called {entry!r}; {near}")]
    if not isinstance(entry, dict):
        return [], [Fault(path, "must be a workload's name or a mapping of fio options")]
    return _read_mapping(entry, path, unsafe_allowed=unsafe_allowed)


def _read_mapping(
    entry: Entry, path: Path, *, unsafe_allowed: bool
) -> tuple[list[Workload], list[Fault]]:
    """One workload, or one for each turn of its loops."""
    if "fio_file" in entry:
        return read_fio_file(entry, path, unsafe_allowed=unsafe_allowed)
    axes, loops, faults = _lists(entry, path)
    count = prod(len(values) for values in loops.values())
    if count > MAX_LOOPS:
        faults.append(Fault(path, f"its lists make {count} workloads; at most {MAX_LOOPS} are"))
        return [], faults
    workloads: list[Workload] = []
    for turn in _turns(loops):
        options, wrong = _read_options({**entry, **turn}, path, unsafe_allowed=unsafe_allowed)
        read, more = _read_axes({**options, **axes}, path)
        name, fault = _name(entry, options, turn)
        if fault is not None:
            more.append(Fault((*path, "name"), fault))
        faults += [each for each in (*wrong, *more) if each not in faults]
        kept = tuple((key, text) for key, text in options.items() if key not in read)
        workloads.append(
            Workload(
                name=name,
                options=kept,
                block_sizes_bytes=read.get("bs"),
                queue_depths=read.get("iodepth"),
                numjobs=read.get("numjobs"),
            )
        )
    return ([], faults) if faults else (workloads, [])


def _lists(
    entry: Entry, path: Path
) -> tuple[dict[str, list[object]], dict[str, list[str]], list[Fault]]:
    """The values that are lists: axes of the workload's own matrix, and loops."""
    axes: dict[str, list[object]] = {}
    loops: dict[str, list[str]] = {}
    faults: list[Fault] = []
    for key, value in entry.items():
        if not isinstance(value, list) or key == "name":
            continue
        texts = [_option_text(each) for each in value]
        plain = [text for text in texts if text is not None]
        if len(plain) != len(value) or not value or len(set(plain)) != len(plain):
            faults.append(
                Fault((*path, key), "must be a single value, or a list of different ones")
            )
        elif canonical_name(key) in _AXES:
            axes[canonical_name(key)] = list(value)
        else:
            loops[key] = plain
    return axes, loops, faults


def _turns(loops: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    for values in product(*loops.values()):
        yield dict(zip(loops, values, strict=True))


def _read_options(entry: Entry, path: Path, *, unsafe_allowed: bool) -> tuple[Options, list[Fault]]:
    faults: list[Fault] = []
    options: Options = {}
    for key, value in entry.items():
        if key == "name" or value is None or isinstance(value, list):
            continue
        text = _option_text(value)
        if text is None:
            faults.append(Fault((*path, key), "must be a single value, or a list of them"))
            continue
        wrong = option_fault(key, text, unsafe_allowed=unsafe_allowed) or _value_fault(key, text)
        if wrong is None and canonical_name(key) in options:
            wrong = f"is another spelling of {canonical_name(key)!r}, which stands here already"
        if wrong is not None:
            faults.append(Fault((*path, key), wrong))
        options.setdefault(canonical_name(key), text)
    said = {canonical_name(key) for key, value in entry.items() if value is not None}
    return options, faults + _shape_faults(said, path)


def _read_axes(
    values: Mapping[str, object], path: Path
) -> tuple[dict[str, tuple[int, ...]], list[Fault]]:
    """The workload's own axes; block sizes that are mixed stay options."""
    axes: dict[str, tuple[int, ...]] = {}
    faults: list[Fault] = []
    for key, read in _AXES.items():
        value = values.get(key)
        if value is None or (key == "bs" and isinstance(value, str) and "," in value):
            continue
        try:
            axes[key] = tuple(map(read, value if isinstance(value, list) else [value]))
        except ValueError as error:
            faults.append(Fault((*path, key), str(error)))
    return axes, faults


def _option_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    return value if isinstance(value, str) else None


def _name(entry: Entry, options: Options, turn: Mapping[str, str]) -> tuple[str, str | None]:
    """The workload's name, `rw`'s value when none is given; and what is wrong with it.

    Each turn of a loop has its value in the name: `mix-rwmixread70`.
    """
    given = entry.get("name")
    turned = {
        key: value
        for key, value in turn.items()
        if given is not None or canonical_name(key) != "rw"
    }
    suffix = "".join(
        f"-{'' if canonical_name(key) == 'rw' else key}{value}" for key, value in turned.items()
    )
    if given is None:
        return options.get("rw", "").split(":")[0] + suffix, None
    try:
        return WORKLOAD_NAME(given) + suffix, None
    except ValueError as error:
        return "", str(error)


def _value_fault(key: str, text: str) -> str | None:
    """What is wrong with a value that storperf itself must understand."""
    if canonical_name(key) != "rw":
        return None
    pattern, _, _ = text.partition(":")
    if pattern not in RW_VALUES:
        return f"{pattern!r} is not a pattern of fio; {nearest(pattern, RW_VALUES)}"
    if _RW_MODIFIER.fullmatch(text.removeprefix(pattern)) is None:
        return f"{text!r} has an offset that is no number; write {pattern}:8"
    return None


def _shape_faults(said: Container[str], path: Path) -> list[Fault]:
    faults = []
    if "rw" not in said:
        spelled = [alias for alias, name in ALIASES.items() if name == "rw"]
        faults.append(
            Fault(path, f"needs `rw` (or {', '.join(spelled)}), the direction of its I/O")
        )
    sizes = [key for key in PINNED_BLOCK_SIZE if key in said]
    if len(sizes) > 1:
        faults.append(Fault(path, f"{' and '.join(sizes)} say the block size twice"))
    return faults
