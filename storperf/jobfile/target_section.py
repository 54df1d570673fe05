"""The keys of `target`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from storperf.jobfile import scalars
from storperf.jobfile.section import Section, key


class TargetSection(Section):
    """Where I/O goes: exactly one of `directory`, `device` and `null_engine`."""

    directory: scalars.FilePath | None = key(
        "An existing directory; storperf makes a file of its own inside and removes it at the end. "
        "A relative one starts at the working directory of the command.",
        None,
    )
    device: scalars.FilePath | None = key(
        "A block device, by its absolute path. What it holds is lost.", None
    )
    null_engine: Annotated[Literal[True], BeforeValidator(scalars.only_true)] | None = key(
        "`true`: fio's null engine, no storage at all; it shows what the harness itself can do. "
        "(Not called `null`, because YAML reads that word as nothing.)",
        None,
    )
    serial: Annotated[str, BeforeValidator(scalars.printable(200))] | None = key(
        "The device's serial number as `lsblk -o SERIAL` shows it; needed with `device`, because "
        "names such as /dev/vdb move between boots.",
        None,
    )
    destroy: scalars.Flag = key(
        "Must be `true` with `device`: everything on it may be overwritten.", False, shown=False
    )
    size: scalars.Span | None = key(
        "The span that is filled and measured, from the start; a multiple of 4k, at least 1M. "
        "Default 1G for a directory and for the null engine, the whole device (to its last whole "
        "MiB) for a device. A span that fits into a cache measures the cache.",
        None,
    )
    nrfiles: scalars.FileCount = key(
        "In how many files of equal size the span lies; every fio job uses all of them. 1 by "
        "default: the file system's own work per file is then no part of the measurement.",
        1,
        shown=1,
    )
