"""The keys of `target`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from storperf.agent import file_systems
from storperf.jobfile import scalars
from storperf.jobfile.remote_places import NbdUri, RbdSection
from storperf.jobfile.section import Section, key
from storperf.jobfile.stack_section import VolumeSection

Words = Annotated[
    tuple[Annotated[str, BeforeValidator(scalars.printable(200))], ...],
    BeforeValidator(scalars.one_or_more),
]


class MkfsSection(Section):
    """Make a file system on the device; it is wiped again at the end, however the run ends."""

    type: Annotated[str, BeforeValidator(scalars.printable(20))] = key(
        f"The file system: {', '.join(file_systems.TYPES)}."
    )
    options: Words = key(
        "Words for mkfs, an option and its value each a word: `[-b, 4096]`. Only options that can "
        "name no other device or file. By default nothing, and for ext4 `-E "
        "lazy_itable_init=0,lazy_journal_init=0`: the kernel would else write tables while you "
        "measure.",
        (),
        shown=[],
    )


class MountSection(Section):
    """How the new file system is mounted."""

    options: Words = key(
        "Mount options such as `[noatime]`; nosuid, nodev and noexec are always there.",
        (),
        shown=[],
    )


class PlaceSection(Section):
    """Where I/O goes: one of `directory`, `device`, `volume`, `null_engine`, `nbd` and `rbd`."""

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
    nbd: NbdUri | None = key(
        "An NBD export: `nbd://HOST/EXPORT`, `nbd://HOST:PORT/EXPORT`, or "
        "`nbd+unix:///EXPORT?socket=/PATH`; fio's engine `nbd` reaches it. What it holds is lost. "
        "See [how to](../how-to/measure-nbd-and-rbd.md).",
        None,
    )
    rbd: RbdSection | None = key(
        "An image of a Ceph cluster; fio's engine `rbd` reaches it. What it holds is lost.", None
    )
    volume: VolumeSection | None = key(
        "A Cinder volume that is made for each agent; with the provider `heat` alone.", None
    )
    serial: Annotated[str, BeforeValidator(scalars.printable(200))] | None = key(
        "The device's serial number as `lsblk -o SERIAL` shows it; needed with `device`, because "
        "names such as /dev/vdb move between boots.",
        None,
    )
    destroy: scalars.Flag = key(
        "Must be `true` with `device`, `nbd` and `rbd`: everything there may be overwritten.",
        False,
        shown=False,
    )

    @property
    def is_device(self) -> bool:
        """Whether it is a block device: one that is there, or one that is made."""
        return self.device is not None or self.volume is not None


class TargetSection(PlaceSection):
    """Where I/O goes: one of `directory`, `device`, `volume`, `null_engine`, `nbd` and `rbd`."""

    size: scalars.Span | None = key(
        "The span that is filled and measured, from the start; a multiple of 4k, at least 1M. "
        "Default 1G for a directory, for `mkfs` and for the null engine, the whole device (to its "
        "last whole MiB) for a device or a volume; needed with `nbd` and `rbd`. A span that fits "
        "into a cache measures the cache.",
        None,
    )
    mkfs: MkfsSection | None = key(
        "Make a file system on the device, mount it in a folder of the agent, and measure files "
        "there as in a directory; needs root.",
        None,
    )
    mount: MountSection | None = key("How it is mounted; only with `mkfs`.", None)
    nrfiles: scalars.FileCount = key(
        "In how many files of equal size the span lies; every fio job uses all of them. 1 by "
        "default: the file system's own work per file is then no part of the measurement.",
        1,
        shown=1,
    )


class ReferenceSection(PlaceSection):
    """A second target of the same kind, which holds what the target is to be compared with.

    Size, file system and preconditioning are those of `target`.
    """
