"""How much memory glibc spends on threads."""

from __future__ import annotations

import contextlib

# malloc.h of glibc.
_M_ARENA_MAX = -8
_FEW = 2


def share_heaps() -> None:
    """Let all threads share a few heaps; nothing where there is no glibc.

    By default each core has eight, and what one thread has freed is no use to the others: with
    a thread for each of 200 connections that is some 13 MiB.
    """
    import ctypes  # late: only wide runs need it

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _FEW)
