"""What went wrong with the store, in words that say what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from storperf.errors import StoreError

# SQLite's own words, lower case (sqlite.org/rescode.html); the first that fits is taken.
_ADVICE = (
    (
        "database is locked",
        "another program kept it from us for too long; wait for that to end and try again",
    ),
    ("disk is full", "free some space there, or name another results folder"),
    (
        "disk i/o error",
        "the file system refused a write or a read: look at its free space and at the kernel's log",
    ),
    ("readonly", "it may not be written to: look at its rights, or name another results folder"),
    ("unable to open", "look at the rights of its folder, or name another results folder"),
    (
        "malformed",
        "the file is damaged: move it aside; `sqlite3 OLD .recover` gives what is readable",
    ),
    ("not a database", "this file is not SQLite: move it aside or name another results folder"),
    ("no such table", "tables are missing: move the file aside or name another results folder"),
)
_ELSE = "look at the message above; the store is as it was before this command"

_ERRNO_ADVICE = {
    errno.ENOSPC: "free some space there, or name another results folder",
    errno.EDQUOT: "your quota is used up: free some space, or name another results folder",
    errno.EFBIG: "the file system or a limit (ulimit -f) allows no file of that size",
    errno.EACCES: "you may not write there: look at its rights, or name another results folder",
    errno.EPERM: "you may not write there: look at its rights, or name another results folder",
    errno.EROFS: "that file system is mounted read-only: name another results folder",
    errno.ENOTDIR: "part of the path is a file, not a folder: name another results folder",
    errno.EEXIST: "a file is where the folder should be: name another results folder",
    errno.ENOENT: "it is not there",
    errno.ENAMETOOLONG: "the name is too long for that file system",
}


def advice_for(fault: OSError) -> str:
    """What a person can do about an error of the operating system."""
    return _ERRNO_ADVICE.get(fault.errno or 0, "look at that file system and the kernel's log")


@contextmanager
def file_faults(what: str, path: Path) -> Iterator[None]:
    """Turn OSError into StoreError; `what` is the act, such as `write the intervals`."""
    try:
        yield
    except OSError as fault:
        words = fault.strerror or str(fault)
        raise StoreError(
            f"cannot {what} at {path}: {words}; {advice_for(fault)}",
            path=str(path),
            errno=fault.errno,
        ) from fault


@contextmanager
def database_faults(place: str) -> Iterator[None]:
    """Turn the driver's errors into StoreError; a broken constraint stays what it is: our bug."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except (sa.exc.DBAPIError, sqlite3.Error) as fault:
        # sqlite3's own class comes from the settings of a new connection.
        words = str(getattr(fault, "orig", fault)).strip()
        advice = next((say for sign, say in _ADVICE if sign in words.lower()), _ELSE)
        raise StoreError(f"the store {place}: {words}; {advice}", place=place) from fault
