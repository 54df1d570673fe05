"""A workload that is a whole fio job file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from storperf.fio.job_text import (
    Section,
    outstanding,
    pattern_of,
    read_sections,
    section_faults,
    sections_last_s,
)
from storperf.jobfile.faults import Fault
from storperf.jobfile.scalars import LONGEST_TRIAL, NUMJOBS, QUEUE_DEPTH, WORKLOAD_NAME
from storperf.jobfile.source import Path
from storperf.model.job import Workload
from storperf.units import parse_duration_s

_KEYS = ("name", "fio_file")


def read_fio_file(
    entry: Mapping[str, object], path: Path, *, unsafe_allowed: bool
) -> tuple[list[Workload], list[Fault]]:
    """The workload whose `fio_file` holds the text of a fio job file, includes filled in.

    Its block sizes are its own, so they are mixed; depth and fio jobs are the most of a section.
    """
    faults = [
        Fault((*path, key), "has no place beside fio_file, which says everything itself")
        for key in entry
        if key not in _KEYS
    ]
    text = entry["fio_file"]
    try:
        name = WORKLOAD_NAME(entry.get("name", "fio-file"))
    except ValueError as error:
        return [], [*faults, Fault((*path, "name"), str(error))]
    if not isinstance(text, str):
        return [], [*faults, Fault((*path, "fio_file"), "must be a file's name, or its text")]
    try:
        sections = read_sections(text)
        said = [*section_faults(sections, unsafe_allowed=unsafe_allowed), *_out_of_range(sections)]
        depth, jobs = (1, 1) if said else outstanding(sections)
        if sections_last_s(sections) > parse_duration_s(LONGEST_TRIAL):
            said.append(f"its sections take longer than {LONGEST_TRIAL}")
    except ValueError as error:
        said = [str(error)]
    if said or faults:
        return [], [*faults, *(Fault((*path, "fio_file"), each) for each in said[:1])]
    options = (("rw", pattern_of(sections)), ("bsrange", "512-64M"), ("fio_file", text))
    return [Workload(name=name, options=options, queue_depths=(depth,), numjobs=(jobs,))], []


def _out_of_range(sections: Iterable[Section]) -> Iterator[str]:
    """What no workload may have more of, whoever says it."""
    for section in sections:
        for key, read in (("iodepth", QUEUE_DEPTH), ("numjobs", NUMJOBS)):
            try:
                read(section.options.get(key, "1"))
            except ValueError as error:
                yield f"section [{section.name}]: {key}: {error}"
