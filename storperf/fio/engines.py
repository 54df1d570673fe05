"""fio's I/O engines, as far as a job may name them."""

from __future__ import annotations

ASYNCHRONOUS = ("libaio", "io_uring", "posixaio")
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


def of_target(kind: str) -> str | None:
    """The engine that a kind of target says itself; None where the job chooses."""
    return str(kind) if kind in OF_TARGETS else None
