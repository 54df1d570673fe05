"""What a host has to measure with: its fio, its rights, its room and its devices."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence

from storperf.agent import devices, facts, fitness, places
from storperf.agent.refusal import Refusal

Facts = Dict[str, Any]

_SYS = "/sys/block"
_SECTOR_BYTES = 512
# Of memory, or empty slots for images and discs: nobody measures these by mistake.
_NO_STORAGE = ("ram", "zram", "sr", "fd")


def survey(fio: str, folder: str, targets: Sequence[Facts] = ()) -> Facts:
    """Facts alone; `folder` is where the agent lives.  Changes nothing.

    `targets` are what an inventory names on this host: `path`, and of a device its `serial`.
    """
    return {
        "host": facts.host_facts(),
        "fio": facts.fio_facts(fio),
        "clock": fitness.clock_facts(),
        "memory": fitness.memory_facts(),
        "is_root": os.geteuid() == 0,
        "user": facts.user_name(),
        "folder": places.folder_facts(folder),
        "targets": [places.target_facts(target) for target in targets],
        "devices": block_devices(),
    }


def block_devices(sys: str = _SYS) -> List[Facts]:
    """Every whole block device that has a medium, in the order of their names."""
    found = []
    for name in sorted(os.listdir(sys)) if os.path.isdir(sys) else []:
        size = facts.read_text("{}/{}/size".format(sys, name))
        if name.startswith(_NO_STORAGE) or not size.isdigit() or not int(size):
            continue
        found.append(_device(sys, name, int(size) * _SECTOR_BYTES))
    return found


def _device(sys: str, name: str, size_bytes: int) -> Facts:
    """One of them; `holds` says why it is no target, None when it is empty and unused."""
    folder = "{}/{}".format(sys, name)
    path = "/dev/" + name.replace("!", "/")
    major, _, minor = facts.read_text(folder + "/dev").partition(":")
    rdev = os.makedev(int(major), int(minor))
    found: Facts = {
        "path": path,
        "size_bytes": size_bytes,
        "model": facts.read_text(folder + "/device/model"),
        "serials": devices.identities(rdev),
        "rotational": facts.read_text(folder + "/queue/rotational") == "1",
        "holds": None,
    }
    try:
        devices.require_unused(path, rdev, is_ours=False)
    except Refusal as refusal:
        found["holds"] = refusal.message
    return found
