"""fio's I/O engines, as far as a job may name them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

IO_URING = "io_uring"
ASYNCHRONOUS = ("libaio", IO_URING, "posixaio")
# One I/O at a time: fio caps their queue depth at 1 with no more than a note.
SYNCHRONOUS = ("psync", "pvsync", "pvsync2", "sync", "mmap")
# fio takes `direct=1` for these and uses the page cache all the same (fio 3.33, tried).
ALWAYS_CACHED = ("mmap",)
NULL = "null"
NBD = "nbd"
RBD = "rbd"
# The target says that it is one of these; the job's `ioengine` never does.
OF_TARGETS = (NULL, NBD, RBD)
DEFAULT = "libaio"

ENGINES = (*ASYNCHRONOUS, *SYNCHRONOUS)

_ALIASES = {"aio": "libaio", "linuxaio": "libaio"}


def of_target(kind: str) -> str | None:
    """The engine that a kind of target says itself; None where the job chooses."""
    return str(kind) if kind in OF_TARGETS else None


def missing(wanted: Iterable[str], listed: Collection[str]) -> list[str]:
    """The engines that a fio lacks, in order; `listed` is what its --enghelp names.

    Those that are loaded from a file (`external:PATH`, or a path) are never listed.
    """
    return [
        name
        for name in dict.fromkeys(wanted)
        if not any(mark in name for mark in ":/") and _ALIASES.get(name, name) not in listed
    ]
