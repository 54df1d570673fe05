"""fio's I/O engines, as far as a job may name them."""

from __future__ import annotations

ASYNCHRONOUS = ("libaio", "io_uring", "posixaio")
# One I/O at a time: fio caps their queue depth at 1 with no more than a note.
SYNCHRONOUS = ("psync", "pvsync", "pvsync2", "sync", "mmap")
# fio takes `direct=1` for these and uses the page cache all the same (fio 3.33, tried).
ALWAYS_CACHED = ("mmap",)
NULL = "null"
DEFAULT = "libaio"

ENGINES = (*ASYNCHRONOUS, *SYNCHRONOUS)
