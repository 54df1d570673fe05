"""A run belongs to one manager at a time: a lock that the kernel releases when it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storperf.errors import Conflict, StoreError


@contextmanager
def owning(run_id: str, folder: Path) -> Iterator[None]:
    """Own the run while inside; Conflict when another living process does."""
    path = folder / "manager.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                f"run {run_id} has a living manager; follow it with `storperf show {run_id}`, "
                f"end it with `storperf cancel {run_id}`",
                run=run_id,
            ) from error
        yield
    finally:
        os.close(fd)


def is_owned(folder: Path) -> bool:
    """Whether a living process owns the run."""
    try:
        with owning("", folder):
            return False
    except Conflict:
        return True
