"""Locks that the kernel releases when their holder dies: of a server, and of a run's child."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storperf.errors import Conflict, StoreError
from storperf.settings import Settings

_SERVER = "server.lock"
_CHILD = "child.lock"
_LOOKS, _BETWEEN_S = 3, 0.1


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    """Be the one server of a results folder while inside; Conflict names the other's process."""
    settings.results.mkdir(parents=True, exist_ok=True)
    path = settings.results / _SERVER
    fd = _take(path)
    for _ in range(_LOOKS):
        # Somebody who only asks whether it is held (`is_served`) holds it for a moment.
        if fd is None:
            threading.Event().wait(_BETWEEN_S)
            fd = _take(path)
    if fd is None:
        raise Conflict(
            f"{settings.results} is served already, by process {_holder(path)}; "
            "end that one first, or serve another folder with --results"
        )
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


def is_served(settings: Settings) -> bool:
    """Whether a server works on the results folder; it starts what waits in the queue."""
    return _is_held(settings.results / _SERVER)


def take_child_lock(folder: Path) -> int | None:
    """The lock of the one child that may carry a run out, as a descriptor; None when one lives.

    The child inherits the descriptor, so that no moment is without an owner.
    """
    return _take(folder / _CHILD)


def has_child(folder: Path) -> bool:
    """Whether a child of some server, dead or alive, carries the run out."""
    return _is_held(folder / _CHILD)


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    fd = _take(path)
    if fd is None:
        return True
    os.close(fd)
    return False


def _take(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _holder(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip() or "unknown"
