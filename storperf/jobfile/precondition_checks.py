"""Checks between the keys of `precondition`, of `target`, and the rest."""

from __future__ import annotations

from collections.abc import Iterator

from storperf.agent import file_systems
from storperf.jobfile import defaults
from storperf.jobfile.faults import Fault
from storperf.jobfile.models import JobFile
from storperf.units import render_duration, render_size

_FILL_KEYS = ("passes", "block_size", "queue_depth", "random")
# A file's size stays a multiple of the largest block that O_DIRECT may ask for.
_FILE_MULTIPLE = 4096


def precondition_faults(file: JobFile) -> Iterator[Fault]:
    """What the keys of `precondition` ask of one another and of the target."""
    section, target = file.precondition, file.target
    if section.fill is False:
        for name in _FILL_KEYS:
            if name in section.model_fields_set:
                why = "belongs to a fill; leave out `fill: false`"
                yield Fault(("precondition", name), why)
    if section.purge and not target.is_device:
        yield Fault(("precondition", "purge"), "only a device can be purged")
    if target.null_engine:
        for name in ("random", "drop_caches"):
            if getattr(section, name):
                yield Fault(("precondition", name), "the null engine has no storage to prepare")
    yield from _random_faults(file)


def _random_faults(file: JobFile) -> Iterator[Fault]:
    path = ("precondition", "random")
    random = defaults.precondition(file).random
    if random is None:
        return
    window_s = random.rule.round_s * random.rule.rounds
    if window_s > random.at_most_s:
        window = f"{random.rule.rounds} rounds of {render_duration(random.rule.round_s)}"
        shown = render_duration(random.at_most_s)
        yield Fault(path, f"{window} do not fit into at_most, {shown}")
    span = defaults.span_bytes(file.target)
    if span is not None and random.block_size_bytes > span // file.target.nrfiles:
        yield Fault((*path, "block_size"), "is more than the target, or one of its files, holds")


def file_faults(file: JobFile) -> Iterator[Fault]:
    """Whether the span can be cut into so many files."""
    target = file.target
    if target.nrfiles == 1:
        return
    path = ("target", "nrfiles")
    if target.directory is None and target.mkfs is None:
        yield Fault(path, "belongs to a directory only")
        return
    span = defaults.span_bytes(target) or 0
    if span % (target.nrfiles * _FILE_MULTIPLE):
        shown = render_size(span)
        yield Fault(path, f"{shown} cannot be cut into {target.nrfiles} equal files of whole 4k")
    for index, block in enumerate(file.matrix.block_size):
        if block > span // target.nrfiles:
            yield Fault(("matrix", "block_size", index), "is more than one file of the target")


def file_system_faults(file: JobFile) -> Iterator[Fault]:
    """Whether a file system can be made and mounted as asked."""
    target = file.target
    if target.mkfs is None:
        if target.mount is not None:
            why = "belongs to `mkfs` only: a device must be empty, so there is nothing to mount"
            yield Fault(("target", "mount"), why)
        return
    if not target.is_device:
        yield Fault(("target", "mkfs"), "belongs to a device only")
    mkfs = file_systems.fault_in_mkfs(target.mkfs.type, target.mkfs.options)
    if mkfs is not None:
        key = "type" if target.mkfs.type not in file_systems.TYPES else "options"
        yield Fault(("target", "mkfs", key), mkfs)
    mount = file_systems.fault_in_mount(target.mount.options if target.mount else ())
    if mount is not None:
        yield Fault(("target", "mount", "options"), mount)
    if file.precondition.purge:
        why = "mkfs discards the device itself; leave it out"
        yield Fault(("precondition", "purge"), why)


def formatting_faults(file: JobFile) -> Iterator[Fault]:
    """The same for an untrusted job file."""
    for name in ("mkfs", "mount"):
        if getattr(file.target, name) is not None:
            yield Fault(("target", name), "is not possible in an untrusted job file")


def untrusted_faults(file: JobFile) -> Iterator[Fault]:
    """What touches more of the host than the target's own span."""
    for name in ("purge", "drop_caches"):
        if getattr(file.precondition, name):
            yield Fault(("precondition", name), "is not possible in an untrusted job file")
