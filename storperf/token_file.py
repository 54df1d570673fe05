"""The file that a token is read from: one that its user alone can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from storperf.errors import UsageError

_MOST_BYTES = 200


def read_token(path: Path) -> str | None:
    """The secret in a token file; None when there is no file.

    UsageError when it is a link, belongs to somebody else, or others can read or change it.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{path} is no file; a token is read from a file of yours alone")
        if found.st_uid != os.geteuid():
            raise UsageError(f"the token file {path} belongs to somebody else; it is not read")
        if found.st_mode & 0o077:
            raise UsageError(f"others may read the token file {path}; chmod 600, or remove it")
        text = file.read(_MOST_BYTES).decode("ascii", errors="replace").strip()
    return text or None
