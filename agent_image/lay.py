"""Lay a boot loader and partitions into a disk's file, where its table says; nothing is mounted.

usage: lay.py DISK --boot BOOT.IMG --core CORE.IMG --at MIB [--part MIB FILE]...

What grub-bios-setup does on a real disk: the first sector learns where GRUB's core is, and the
core's first sector where the rest of it is.
https://www.gnu.org/software/grub/manual/grub/html_node/Images.html
"""

from __future__ import annotations

import argparse
import shutil
import struct
from pathlib import Path

MIB = 1 << 20
SECTOR = 512
# Of boot.img: code up to the disk's own data, and the number of the core's first sector.
BOOT_CODE = 440
CORE_SECTOR_AT = 0x5C
# Of the core's first sector: its list of blocks, whose first entry begins with a sector's number.
REST_SECTOR_AT = SECTOR - 12


def lay_boot_loader(disk: Path, boot: Path, core: Path, at_mib: int) -> None:
    """Put the first sector's code and the core in place; the partition table stays."""
    sector = at_mib * MIB // SECTOR
    first = bytearray(boot.read_bytes()[:BOOT_CODE])
    struct.pack_into("<Q", first, CORE_SECTOR_AT, sector)
    # Some firmware names no drive or a floppy's; GRUB's own fix for hard disks: no doubt about it.
    first[0x66:0x68] = b"\x90\x90"
    rest = bytearray(core.read_bytes())
    struct.pack_into("<Q", rest, REST_SECTOR_AT, sector + 1)
    if len(rest) > MIB:
        raise ValueError(f"{core} has {len(rest)} bytes; its partition has {MIB}")
    with disk.open("r+b") as file:
        file.write(first)
        file.seek(at_mib * MIB)
        file.write(rest)


def lay_partition(disk: Path, at_mib: int, content: Path) -> None:
    """Copy a file system to where its partition begins."""
    with disk.open("r+b") as file, content.open("rb") as source:
        file.seek(at_mib * MIB)
        shutil.copyfileobj(source, file, MIB)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("disk", type=Path)
    parser.add_argument("--boot", type=Path, required=True)
    parser.add_argument("--core", type=Path, required=True)
    parser.add_argument("--at", type=int, required=True)
    parser.add_argument("--part", nargs=2, action="append", default=[])
    asked = parser.parse_args()
    lay_boot_loader(asked.disk, asked.boot, asked.core, asked.at)
    for at_mib, content in asked.part:
        lay_partition(asked.disk, int(at_mib), Path(content))


if __name__ == "__main__":
    main()
