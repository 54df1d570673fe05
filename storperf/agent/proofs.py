"""The proof that a device is filled: what was remembered after a fill still fits all that is seen.

A proof is a small file below the agent's root, one for each serial.  It holds only while the
device was neither written to nor discarded since, which the kernel's counters say within one
boot, and while the blocks that were looked at are the same.
Source of the counters: Documentation/block/stat.rst of Linux; `diskseq` since Linux 5.15.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Optional

from storperf.agent import contents, facts
from storperf.agent.taken import Taken

Proof = Dict[str, Any]

_FOLDER = "filled"
_WRITTEN_SECTORS = 6
_DISCARDED_SECTORS = 13


def remember(root: str, taken: Taken, how: str, places: Dict[str, int], at_s: float) -> None:
    """Keep the proof that a device target was filled in a certain way just now.

    `places` are `samples` and `seed`, which say where it is looked at.
    """
    sha256 = contents.inspect(taken.filenames, taken.size_bytes, **places)["sha256"]
    proof = {**_state(taken, how), **places, "sha256": sha256, "at_s": at_s}
    os.makedirs(os.path.join(root, _FOLDER), mode=0o700, exist_ok=True)
    path = _path(root, taken)
    temporary = "{}.{}".format(path, os.getpid())
    with open(temporary, "w", encoding="utf-8") as sink:
        json.dump(proof, sink)
    os.replace(temporary, path)


def recall(root: str, taken: Taken, how: str) -> Dict[str, Any]:
    """Whether the device is known to be filled in this way: `since_s`, or `why` it is not."""
    proof = _load(_path(root, taken))
    if proof is None:
        return {"is_filled": False, "why": "no fill of it is remembered here"}
    now = _state(taken, how)
    for name, value in now.items():
        if proof.get(name) != value or value is None:
            message = "{} was {}, is {}".format(name, proof.get(name), value)
            return {"is_filled": False, "why": message}
    found = contents.inspect(taken.filenames, taken.size_bytes, proof["samples"], proof["seed"])
    if found["sha256"] != proof["sha256"]:
        return {"is_filled": False, "why": "blocks that were looked at hold something else now"}
    return {"is_filled": True, "since_s": proof["at_s"]}


def _path(root: str, taken: Taken) -> str:
    digest = hashlib.sha256(taken.request["serial"].encode("utf-8", "surrogateescape"))
    return os.path.join(root, _FOLDER, digest.hexdigest()[:32] + ".json")


def _load(path: str) -> Optional[Proof]:
    """The proof in a file; none when it is missing, torn, or lacks something."""
    try:
        with open(path, encoding="utf-8") as source:
            proof = json.load(source)
    except (OSError, ValueError):
        return None
    wanted = {"samples": int, "seed": int, "sha256": str, "at_s": float}
    is_whole = isinstance(proof, dict) and all(
        isinstance(proof.get(name), kind) for name, kind in wanted.items()
    )
    return proof if is_whole else None


def _state(taken: Taken, how: str) -> Proof:
    """Everything that must be the same; None is what this kernel does not tell."""
    folder = "/sys/dev/block/" + taken.device
    counters = facts.read_text(folder + "/stat").split()
    return {
        "serial": taken.request["serial"],
        "size_bytes": taken.size_bytes,
        "how": how,
        "boot_id": facts.read_text("/proc/sys/kernel/random/boot_id") or None,
        "diskseq": facts.read_text(folder + "/diskseq"),
        "written_sectors": _counter(counters, _WRITTEN_SECTORS),
        "discarded_sectors": _counter(counters, _DISCARDED_SECTORS),
    }


def _counter(counters: "list[str]", place: int) -> Optional[int]:
    return int(counters[place]) if place < len(counters) else None
