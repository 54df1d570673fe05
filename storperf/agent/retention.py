"""Old run folders on an agent: a journal is kept for seven days after its supervisor went."""

from __future__ import annotations

import fcntl
import os
import shutil

from storperf.agent.mounts import Mounts

KEEP_S = 7 * 24 * 3600.0


def forget(run_dir: str) -> None:
    """Remove a run's folder: the manager has everything."""
    shutil.rmtree(run_dir, ignore_errors=True)


def prune(runs_dir: str, now_s: float) -> None:
    """Remove the folders of runs that nobody supervises and nobody touched for long."""
    for name in os.listdir(runs_dir):
        run_dir = os.path.join(runs_dir, name)
        try:
            age_s = now_s - os.stat(os.path.join(run_dir, "journal")).st_mtime
        except OSError:
            continue
        if age_s > KEEP_S and not is_supervised(run_dir) and not Mounts(name, run_dir).give_back():
            forget(run_dir)


def is_supervised(run_dir: str) -> bool:
    """Whether a living supervisor holds the run's lock."""
    try:
        fd = os.open(os.path.join(run_dir, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
