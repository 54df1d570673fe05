"""Workloads of the earlier StorPerf as entries of a job file, and what they say of the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from storperf.errors import UsageError
from storperf.fio.options import canonical_name
from storperf.jobfile.faults import nearest
from storperf.web.compatible.bodies import Values
from storperf.workloads.shipped import WORKLOADS

# The matrix, the target and the harness decide these; the earlier StorPerf overwrote them, or
# they say what is so anyway.
_IDLE = frozenset(
    {
        *("bs", "iodepth", "name", "filename", "directory", "filename_format", "loops"),
        *("output-format", "status-interval", "group_reporting", "time_based", "minimal"),
        *("eta", "unlink", "fallocate"),
    }
)
# What the whole job has once; all workloads that say it must say the same.
_OF_THE_JOB = ("ioengine", "direct", "size", "filesize", "nrfiles", "runtime")
_MOST_WORKLOADS = 100

Entry = str | dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """Entries for `workloads`, and `of_the_job`: fio options that are keys of the job."""

    entries: tuple[Entry, ...]
    of_the_job: Mapping[str, str] = field(default_factory=dict)


def translate(workloads: tuple[str, ...] | Mapping[str, Values]) -> Translated:
    """Names, or names with fio options, for a job file; UsageError when they make none."""
    if len(workloads) > _MOST_WORKLOADS:
        raise UsageError(f"ERROR: {len(workloads)} workloads; at most {_MOST_WORKLOADS} are")
    if isinstance(workloads, tuple):
        return Translated(entries=tuple(map(_known, dict.fromkeys(workloads))))
    of_the_job: dict[str, str] = {}
    entries = tuple(_own(name, each, of_the_job) for name, each in workloads.items())
    return Translated(entries=entries, of_the_job=of_the_job)


def _known(name: str) -> str:
    if name not in WORKLOADS:
        raise UsageError(f"ERROR: Unknown workload: {name[:60]}; {nearest(name, WORKLOADS)}")
    return name


def _own(name: str, options: object, of_the_job: dict[str, str]) -> Entry:
    bare = name.replace("_", "") if name.startswith("_") else name
    if not (bare.isascii() and bare.isalnum()) or len(name) > 100:
        raise UsageError(f"ERROR: Workload name must be alphanumeric only: {bare[:60]}")
    if not isinstance(options, dict):
        raise UsageError(f"ERROR: workload {name} must be a map of fio options")
    entry: dict[str, object] = {"name": name, "rw": "read"}
    for option, value in options.items():
        key, text = canonical_name(option), _text(name, option, value)
        if option == "buffered":
            text = str(int(text == "0"))
        if key in _IDLE:
            continue
        if key in _OF_THE_JOB:
            if of_the_job.setdefault(key, text) != text:
                raise UsageError(f"ERROR: all workloads of a job must say the same {key}")
        else:
            entry[key] = text
    return entry


def _text(name: str, option: str, value: object) -> str:
    """The value as fio would read it; null is an option without a value, which is `1`."""
    if value is None:
        return "1"
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, (str, int, float)):
        raise UsageError(f"ERROR: workload {name}: {option[:60]} must be a single value")
    return str(value).strip("'\"")
