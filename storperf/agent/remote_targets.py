"""Keeps runs of this host apart on a target that only fio reaches: an NBD export, an RBD image.

Nothing of such a target can be opened or held here, so the lock is a file of ours below the
agents' root, one for each address.  It keeps away the runs of this user on this host that use
the same root, and nobody else: what a server lets in is the server's to say.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from typing import Any, Dict, Tuple

from storperf.agent.refusal import BUSY, REFUSED, Refusal

KINDS = ("nbd", "rbd")
LOCKS = "locks"
_SOCKET = "socket="

Request = Dict[str, Any]


def identity(request: Request) -> str:
    """One text for everything that leads to the same storage.

    With or without TLS it is the same export; a socket is known by its file, not by its path.
    """
    if request["kind"] != "nbd":
        return "{} {}".format(request["kind"], request["path"])
    from urllib.parse import unquote, urlsplit  # late: few have such a target

    parts = urlsplit(request["path"])
    where = parts.netloc
    if parts.query.startswith(_SOCKET):
        where = os.path.realpath(unquote(parts.query[len(_SOCKET) :]))
    return "nbd {} {}".format(where, unquote(parts.path))


def lock(request: Request, folder: str, run: str) -> Tuple[int, str]:
    """The open lock and its path; Refusal when another run has it, or the job gave no leave."""
    if not request.get("destroy"):
        message = "{}: a target on a server needs destroy: true".format(request["path"])
        raise Refusal(REFUSED, message)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    name = hashlib.sha256(identity(request).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    path = os.path.join(folder, name)
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            _hold(fd, request)
            if _is_at(fd, path):
                os.ftruncate(fd, 0)
                os.pwrite(fd, run.encode(), 0)
                return fd, path
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # its holder removed it between our open and our flock


def unlock(fd: int, path: str) -> None:
    """Remove the lock while it is held, so that nobody holds a file that is gone."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    os.close(fd)


def _hold(fd: int, request: Request) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(fd, 200, 0).decode("utf-8", "replace") or "?"
        message = "{} is in use by another run ({}); wait for it or name another target"
        raise Refusal(BUSY, message.format(request["path"], holder)) from error


def _is_at(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
