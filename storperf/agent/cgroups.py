"""The cgroups that hold this process back: where their cpu.stat lies, in v1 and in v2."""

from __future__ import annotations

import os
from typing import List, Tuple

_STAT = "cpu.stat"


def parse_mounts(text: str) -> List[Tuple[bool, str, str]]:
    """Whether it is v2, root and mount point of each hierarchy that limits CPU.

    `text` is /proc/self/mountinfo (proc_pid_mountinfo(5)).
    """
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        words, kind = before.split(), after.split()
        if len(words) < 5 or len(kind) < 3:
            continue
        is_v1 = kind[0] == "cgroup" and "cpu" in kind[2].split(",")
        if kind[0] == "cgroup2" or is_v1:
            found.append((kind[0] == "cgroup2", words[3], words[4]))
    return found


def parse_own(text: str) -> List[Tuple[bool, str]]:
    """Whether it is v2, and the path, of each cgroup with CPU limits that /proc/self/cgroup names.

    `0::/path` is v2; `N:cpu,cpuacct:/path` is v1 (cgroups(7)).
    """
    found = []
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if (number, controllers) == ("0", "") or "cpu" in controllers.split(","):
            found.append((number == "0" and not controllers, path))
    return found


def stat_files(proc: str) -> List[str]:
    """The cpu.stat of this process's cgroup and of those above it; a limit of any holds it back."""
    try:
        with open(proc + "/self/mountinfo", encoding="utf-8", errors="replace") as source:
            mounts = parse_mounts(source.read())
        with open(proc + "/self/cgroup", encoding="utf-8", errors="replace") as source:
            own = parse_own(source.read())
    except (OSError, ValueError):
        return []
    found = []
    for is_v2, path in own:
        for is_mount_v2, root, point in mounts:
            if is_v2 is is_mount_v2:
                found += _upwards(point, _below(path, root))
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]


def _below(path: str, root: str) -> str:
    """The path as seen below a mount; inside a container the root is the container's own."""
    if root != "/" and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    # `/..` is a cgroup outside of this namespace: only its own top can be seen.
    return "" if path.startswith("/..") else path.strip("/")


def _upwards(point: str, path: str) -> List[str]:
    parts = path.split("/") if path else []
    return [os.path.join(point, *parts[:depth], _STAT) for depth in range(len(parts), -1, -1)]
