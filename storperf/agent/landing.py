"""What must be known before the agent can land on a host: one short program, one answer.

What was brought there earlier and is wanted no more goes on the way.
Its source is sent to the host's Python as it stands, so it imports nothing of ours.  It is
asked by a JSON object in base64 and answers with one line of JSON on stdout.  Many hosts on one
machine are asked at once: it imports little.
"""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import time
from typing import Any, Dict, Iterator, List, Optional

# Chatty start-up files of a login shell print before it.
MARK = "storperf-landing "
INSTALLERS = ("apt-get", "dnf", "zypper")
# How long what was brought to a host stays there unused.
KEEP_S = 7 * 24 * 3600.0
# What a manager brings: agents, load engines, and what a broken connection left of one.
_BROUGHT = re.compile(r"agent-[0-9a-f]{16}\.pyz|fio-[0-9a-f]{16}|\.(agent|fio)-[0-9a-f.pyz]{1,60}")
# Where programs lie that an ordinary user's PATH over SSH lacks.
_MORE_PATH = ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def make_folder(folder: str) -> Optional[str]:
    """Make our 0700 folder unless it is there; a sentence when it cannot be used."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
    except OSError as error:
        if os.path.islink(folder):
            return "{} is a symbolic link".format(folder)
        return "{}: {}".format(folder, error.strerror)
    if stat.S_ISLNK(found.st_mode):
        return "{} is a symbolic link".format(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return "{} is not a folder of this user".format(folder)
    if stat.S_IMODE(found.st_mode) & 0o077:
        return "{} can be entered by others".format(folder)
    return None


def holds(path: str, sha256: str) -> bool:
    """Whether a file of ours has that content; its hash is taken from the open file.

    The time of the last access says from now on that it was wanted; see `prune`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    digest = hashlib.sha256()
    with os.fdopen(fd, "rb") as source:
        found = os.fstat(source.fileno())
        if found.st_uid != os.getuid() or not stat.S_ISREG(found.st_mode):
            return False
        for chunk in iter(lambda: source.read(1 << 20), b""):
            digest.update(chunk)
        is_it = digest.hexdigest() == sha256
        if is_it:
            os.utime(source.fileno(), ns=(time.time_ns(), found.st_mtime_ns))
    return is_it


def hold(program: str) -> Optional[int]:
    """Keep an agent's file from being removed for as long as this process runs from it."""
    try:
        fd = os.open(program, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_SH)  # others have it for a moment at most
    except OSError:
        return None
    return fd


def is_held(path: str) -> bool:
    """Whether a living agent runs from that file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def brought(folder: str) -> Iterator[str]:
    """The paths of what managers brought into the folder."""
    for name in sorted(os.listdir(folder)):
        if _BROUGHT.fullmatch(name):
            yield os.path.join(folder, name)


def prune(folder: str, now_s: float) -> None:
    """Remove what nobody has wanted for KEEP_S; agents that run stay, and every fio with them."""
    held = [path for path in brought(folder) if path.endswith(".pyz") and is_held(path)]
    for path in brought(folder):
        with contextlib.suppress(OSError):
            found = os.lstat(path)
            is_old = now_s - max(found.st_atime, found.st_mtime) > KEEP_S
            is_agent = path.endswith(".pyz")
            if is_old and path not in held and (is_agent or not held):
                os.unlink(path)


def leave(program: str, run_dir: str) -> None:
    """Remove an agent's file, what was brought beside it, and folders that are empty then.

    Nothing goes while another agent runs from there.  `run_dir` is gone already.
    """
    folder = os.path.dirname(program)
    if any(path.endswith(".pyz") and is_held(path) for path in brought(folder)):
        return
    with contextlib.suppress(OSError):
        for path in brought(folder):
            if path == program or os.path.basename(path).startswith("fio-"):
                os.unlink(path)
        here = os.path.dirname(run_dir)
        while here.startswith(folder):
            os.rmdir(here)
            here = os.path.dirname(here)


def sudo_fault() -> Optional[str]:
    """Why sudo does not do what it is told without a password; None when it does."""
    import subprocess

    try:
        done = subprocess.run(
            ["sudo", "-n", "--", "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=20,
            check=False,
        )
    except FileNotFoundError:
        return "sudo is not installed there"
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.decode("utf-8", "replace").strip()
    return said or "sudo ended with {}".format(done.returncode) if done.returncode else None


def answer(ask: Dict[str, Any]) -> Dict[str, Any]:
    """The facts.  `ask` has `folder`, `files` (name and SHA-256 each), `fio` and `sudo`."""
    folder = os.path.abspath(os.path.expanduser(ask["folder"]))
    fault = make_folder(folder)
    path = os.environ.get("PATH", "") + _MORE_PATH
    here: List[bool] = []
    if fault is None:
        here = [holds(os.path.join(folder, name), sha256) for name, sha256 in ask["files"]]
        prune(folder, time.time())
    return {
        "python": sys.executable,
        "version": ".".join(map(str, sys.version_info[:3])),
        "folder": folder,
        "fault": fault,
        "here": here,
        "fio": shutil.which(ask["fio"], path=path),
        "installers": [name for name in INSTALLERS if shutil.which(name, path=path)],
        "is_root": os.getuid() == 0,
        "sudo_fault": sudo_fault() if ask["sudo"] else None,
    }


if __name__ == "__main__":
    asked = json.loads(binascii.a2b_base64(sys.argv[1]))
    sys.stdout.write("\n" + MARK + json.dumps(answer(asked)) + "\n")
