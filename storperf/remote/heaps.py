"""How much memory glibc spends on threads, and keeps."""

from __future__ import annotations

import contextlib

# malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_FEW = 2
_LARGE_BYTES = 1 << 16


def share_heaps() -> None:
    """Let all threads share a few heaps; nothing where there is no glibc.

    By default each core has eight, and what one thread has freed is no use to the others: with
    a thread for each of 200 connections that is some 13 MiB.  And what is large goes back when it
    is freed: by default glibc keeps up to 64 MiB for the next large array, here some 9 MiB.
    """
    import ctypes  # late: only wide runs need it

    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, _FEW)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Give the pages that are free in all heaps back to the system; it takes milliseconds."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
