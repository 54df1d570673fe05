"""A fio job file of a user's own: what its sections say, and what storperf must know of it.

It is run as it is, in one fio, behind a `[global]` of ours that names target and size.
Format: fio's HOWTO, "Job file format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from storperf.fio import engines
from storperf.fio.options import REMOTE_PLACES, RW_VALUES, canonical_name, option_fault
from storperf.units import parse_duration_s, parse_size

GLOBAL = "global"
MAX_INCLUDES = 16
MAX_BYTES = 256 << 10
# What a workload leaves to the job file is a section's own to say when fio's file is run as it is.
_OWN_WORDS = """
size io_size number_ios loops runtime time_based ioengine direct numjobs iodepth
group_reporting new_group startdelay stonewall wait_for wait_for_previous pre_read
fallocate description
"""
OWN = frozenset(_OWN_WORDS.split())
_PLACES = (
    *("filename", "directory", "filename_format", "nrfiles", "openfiles", "filesize"),
    *REMOTE_PLACES,
)
_BARRIERS = ("stonewall", "wait_for_previous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One fio job with what it takes from the `[global]` sections before it, names canonical."""

    name: str
    options: Mapping[str, str]

    @property
    def pattern(self) -> str:
        """fio's `rw` without its modifier."""
        return self.options.get("rw", "read").split(":")[0]

    @property
    def has_barrier(self) -> bool:
        """Whether it waits until those before it have ended."""
        return any(self.options.get(key, "0") != "0" for key in _BARRIERS)


def include_text(name: str, read: Callable[[str], str], depth: int = 0) -> str:
    """What `read(name)` gives, with every `include FILE` replaced by that file's text.

    FILE is sought in the folder of the file that includes it.  ValueError when they go deeper than
    MAX_INCLUDES, or come to more than MAX_BYTES.
    """
    if depth > MAX_INCLUDES:
        raise ValueError(f"includes go more than {MAX_INCLUDES} files deep")
    lines = []
    for line in read(name).splitlines():
        words = line.split(None, 1)
        if len(words) == 2 and words[0] == "include":
            beside = str(PurePosixPath(name).parent / words[1].strip())
            lines.append(include_text(beside, read, depth + 1))
        else:
            lines.append(line)
    whole = "\n".join(lines) + "\n"
    if len(whole) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES >> 10} KiB with its includes")
    return whole


def read_sections(text: str) -> tuple[Section, ...]:
    """The fio jobs in order, without `[global]`; ValueError names the line that is none of fio's.

    Includes must be filled in before.
    """
    shared: dict[str, str] = {}
    found: list[tuple[str, dict[str, str]]] = []
    here: dict[str, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare[0] in ";#":
            continue
        if bare[0] == "[":
            if not bare.endswith("]") or len(bare) < 3:
                raise ValueError(f"line {number}: {bare[:40]!r} is no section")
            name = bare[1:-1]
            here = shared if name == GLOBAL else dict(shared)
            if name != GLOBAL:
                found.append((name, here))
            continue
        if here is None:
            raise ValueError(f"line {number}: an option stands before the first section")
        key, sign, value = bare.partition("=")
        here[canonical_name(key.strip())] = value.strip() if sign else "1"
    if not found:
        raise ValueError("it has no section besides [global]")
    return tuple(Section(name=name, options=options) for name, options in found)


def section_faults(sections: Iterable[Section], *, unsafe_allowed: bool) -> Iterator[str]:
    """What no section may say, each in one sentence."""
    for section in sections:
        for key, value in section.options.items():
            fault = _option_fault(key, value, unsafe_allowed=unsafe_allowed)
            if fault is not None:
                yield f"section [{section.name}]: {fault}"


def _option_fault(key: str, value: str, *, unsafe_allowed: bool) -> str | None:
    if key in _PLACES:
        if unsafe_allowed:
            return None
        return f"{key!r} names a place of its own; leave it out, then it is the job's target"
    if key == "rw" and value.split(":", maxsplit=1)[0] not in RW_VALUES:
        return f"{value!r} is not a pattern of fio"
    if key == "ioengine" and value not in (*engines.ENGINES, engines.NULL) and not unsafe_allowed:
        return f"ioengine {value!r} may touch more than the target (see allow_unsafe_fio_options)"
    if key in OWN:
        return None if value.isprintable() else f"{key!r} needs printable characters"
    return option_fault(key, value, unsafe_allowed=unsafe_allowed)


def largest_span(sections: Iterable[Section]) -> int:
    """The largest `size` that a section names in bytes; 0 when none names one."""
    sizes = (section.options.get("size", "0") for section in sections)
    return max(0 if size.endswith("%") else parse_size(size) for size in sizes)


def pattern_of(sections: Iterable[Section]) -> str:
    """One `rw` for all sections: their directions, random only when every one is."""
    patterns = [section.pattern for section in sections]
    plain = {pattern.removeprefix("rand") for pattern in patterns}
    random = "rand" if all(pattern.startswith("rand") for pattern in patterns) else ""
    return random + (plain.pop() if len(plain) == 1 else "rw")


def sections_last_s(sections: Iterable[Section]) -> float:
    """How long all sections take at most by their own word; ValueError when one does not say.

    Those between two barriers run at the same time.
    """
    total = here = 0.0
    for section in sections:
        said = section.options.get("runtime")
        if said is None:
            raise ValueError(
                f"section [{section.name}] has no runtime; give it one, for a fio whose end is "
                "not known cannot be watched (with size it may end sooner)"
            )
        ramp = section.options.get("ramp_time", "0")
        wait = section.options.get("startdelay", "0")
        length = sum(map(parse_duration_s, (said, ramp, wait)))
        if section.has_barrier:
            total, here = total + here, 0.0
        here = max(here, length)
    return total + here


def outstanding(sections: Iterable[Section]) -> tuple[int, int]:
    """The deepest queue and the most fio jobs of one section."""
    known = list(sections)
    depth = max(int(section.options.get("iodepth", "1")) for section in known)
    return depth, max(int(section.options.get("numjobs", "1")) for section in known)
