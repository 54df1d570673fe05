"""Which file systems may be made on a device, and with which words; no word is shell text.

An option that could name another device or file is not among them: mkfs takes the first word
that is no option for its device.
Source: mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8), mount(8), ext4(5), xfs(5), btrfs(5).
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence

# No file system's label may be longer than XFS's 12 characters.
LABEL_CHARACTERS = 12
# Tables that are written later, in the background, would disturb what is measured.
_NOTHING_LATER = ("-E", "lazy_itable_init=0,lazy_journal_init=0")
_VALUE = re.compile(r"[A-Za-z0-9^][A-Za-z0-9_^=,.:+-]*")
_ELSEWHERE = ("name", "file", "device", "logdev", "rtdev")
_MOUNT_OPTION = re.compile(r"[a-z0-9_]+(=[A-Za-z0-9_.:]+)?")
# What would show another place or device, run a helper, or make it no target.
_NO_MOUNT_OPTIONS = (
    *("ro", "bind", "rbind", "move", "remount", "loop", "offset", "sizelimit", "helper"),
    *("uhelper", "user", "users", "owner", "group", "suid", "dev", "exec", "logdev", "rtdev"),
    *("device", "journal_dev", "journal_path", "subvol", "subvolid", "norecovery", "noload"),
)
# Ours come last and win.
_ALWAYS = ("nosuid", "nodev", "noexec")


class _Kind:
    """A file system: the options of its mkfs that take a value, those that take none."""

    def __init__(self, values: str, flags: str = "", default: Sequence[str] = ()) -> None:
        self.values = tuple(values.split())
        self.flags = tuple(flags.split())
        self.default = tuple(default)


TYPES: Dict[str, _Kind] = {
    "ext4": _Kind("-b -C -E -g -G -i -I -m -N -O -T", default=_NOTHING_LATER),
    "xfs": _Kind("-b -d -i -l -m -n -s", "-K"),
    "btrfs": _Kind("-d -m -n -s -O -R --csum", "-K -M"),
}


def fault_in_mkfs(kind: str, options: Sequence[str]) -> Optional[str]:
    """Why mkfs may not be called like this; None when it may."""
    if kind not in TYPES:
        return "{!r} is no file system that can be made here; there are {}".format(
            kind, ", ".join(TYPES)
        )
    known = TYPES[kind]
    words = iter(options)
    for word in words:
        if word in known.flags:
            continue
        if word not in known.values:
            message = "{!r} is no option of mkfs.{} that may be given; there are {}"
            return message.format(word, kind, " ".join((*known.values, *known.flags)))
        value = next(words, None)
        if value is None:
            return "{} needs a value, as the next word".format(word)
        names = [part.partition("=")[0] for part in value.split(",")]
        if _VALUE.fullmatch(value) is None or any(name in _ELSEWHERE for name in names):
            return "{!r} may not be the value of {}".format(value, word)
    return None


def fault_in_mount(options: Sequence[str]) -> Optional[str]:
    """Why it may not be mounted like this; None when it may."""
    for option in options:
        name = option.partition("=")[0]
        if _MOUNT_OPTION.fullmatch(option) is None or name in _NO_MOUNT_OPTIONS:
            return "{!r} is no mount option that may be given".format(option)
    return None


def mkfs_argv(kind: str, options: Sequence[str], label: str, path: str) -> List[str]:
    """The command that makes the file system; without options it has the type's default ones."""
    return ["mkfs." + kind, "-q", *(options or TYPES[kind].default), "-L", label, path]


def mount_argv(kind: str, options: Sequence[str], path: str, point: str) -> List[str]:
    """The command that mounts it."""
    return ["mount", "--types", kind, "--options", ",".join((*options, *_ALWAYS)), path, point]
