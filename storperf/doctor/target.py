"""Findings about one target: can it be measured, has it room, is it the storage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from storperf.doctor.wanted import Wanted
from storperf.model.finding import Finding, Level
from storperf.model.target import Target
from storperf.units import render_bytes

Facts = dict[str, Any]

_IN_MEMORY = ("tmpfs", "ramfs")
# File systems that are nearly full look for room on every write.
_LEAST_FREE_SHARE = 0.05
_HEAVY_SCHEDULER = "bfq"


def target_findings(found: Facts, target: Target, wanted: Wanted, needed: int) -> Iterator[Finding]:
    """What one target is; `needed` bytes are for all targets in its file system."""
    if "fault" in found:
        yield Finding(
            check="target",
            level=Level.PROBLEM,
            found=str(found["fault"]),
            why="a run would refuse the job before it measures anything",
            remedy="make the directory, get the right to write there, or name another target",
            target=target.path,
        )
        return
    yield _place(found, target)
    yield _space(found, target, needed)
    yield _direct(found, target, wanted)
    yield from _devices(found, target, wanted)


def server_findings(wanted: Wanted) -> Iterator[Finding]:
    """Targets that only fio reaches; a run reads their last block before it writes anything."""
    for server in wanted.servers:
        yield Finding(
            check="target",
            level=Level.NOT_KNOWN,
            found=f"{server}: it is asked when a run begins",
            why="what lies behind a server cannot be looked at from here",
            target=server,
        )


def _place(found: Facts, target: Target) -> Finding:
    if found["kind"] == "device":
        serials = ", ".join(found["serials"]) or "no serial"
        text = f"a block device of {render_bytes(found['size_bytes'])}, {serials}"
    else:
        text = f"{found.get('file_system', 'a file system')} on {found['source'] or 'nothing'}"
        if found.get("is_missing"):
            text += f"; it will be made in {found['examined']}"
    why = "the figures are of the storage under this place and of no other"
    return Finding(check="target", level=Level.OK, found=text, why=why, target=target.path)


def _space(found: Facts, target: Target, needed: int) -> Finding:
    why = "a run makes its file at full size before it measures, and a full file system is slow"
    if found["kind"] == "device":
        return _device_size(found, target)
    free, size = found["free_bytes"], found["size_bytes"]
    text = f"{render_bytes(free)} free of {render_bytes(size)}"
    if not needed:
        text += "; no size is asked for"
    else:
        text += f", {render_bytes(needed)} needed"
    level, remedy = Level.OK, ""
    if free < max(needed, 1):
        level, remedy = Level.PROBLEM, "make room, or lower target.size"
    elif free - needed < _LEAST_FREE_SHARE * size:
        level, remedy = Level.WARNING, f"leave {_LEAST_FREE_SHARE:.0%} of the file system free"
    return Finding(
        check="space", level=level, found=text, why=why, remedy=remedy, target=target.path
    )


def _device_size(found: Facts, target: Target) -> Finding:
    has, asked = found["size_bytes"], target.size_bytes or 0
    text = f"{render_bytes(has)}" + (f", {render_bytes(asked)} needed" if asked else "")
    level = Level.OK if has >= asked else Level.PROBLEM
    return Finding(
        check="space",
        level=level,
        found=text,
        why="a device must hold the span that the job asks for",
        remedy="" if level is Level.OK else "lower target.size",
        target=target.path,
    )


def _direct(found: Facts, target: Target, wanted: Wanted) -> Finding:
    why = "only O_DIRECT goes past the page cache; without it memory is measured"
    elsewhere = "name a directory on a real file system"

    def finding(level: Level, text: str, remedy: str = "") -> Finding:
        return Finding(
            check="O_DIRECT", level=level, found=text, why=why, remedy=remedy, target=target.path
        )

    if found.get("file_system") in _IN_MEMORY:
        text = f"{found['file_system']} lies in memory; there is no storage to measure"
        return finding(Level.PROBLEM, text, elsewhere)
    if found["direct"]:
        tried = "read" if found["kind"] == "device" else "written and read back"
        return finding(Level.OK, f"a block of 4 KiB was {tried}")
    error = found.get("direct_error", "no reason given")
    if found["direct"] is None:
        return finding(Level.PROBLEM, f"it could not be tried: {error}", elsewhere)
    if not wanted.direct:
        return finding(Level.OK, f"the file system refuses it ({error}), the job does without")
    return finding(Level.PROBLEM, f"refused: {error}", f"{elsewhere}, or say direct: false")


def _devices(found: Facts, target: Target, wanted: Wanted) -> Iterator[Finding]:
    why = "the host's own queue and scheduler stand between fio and the device"
    if not found["devices"]:
        text = f"{found.get('source') or 'it'} shows no block device of this host"
        yield Finding(
            check="device", level=Level.NOT_KNOWN, found=text, why=why, target=target.path
        )
    for device in found["devices"]:
        yield _device(device, target, wanted, why)


def _device(device: Facts, target: Target, wanted: Wanted, why: str) -> Finding:
    scheduler = _chosen(str(device["scheduler"]))
    turns = {"0": "not rotational", "1": "rotational"}.get(str(device["rotational"]))
    queue = int(device["nr_requests"]) if str(device["nr_requests"]).isdigit() else None
    parts = [
        " ".join(word for word in (device["name"], device["model"]) if word),
        f"scheduler {scheduler or 'not known'}",
        turns or "rotational or not: not known",
        f"queue {'not known' if queue is None else queue}",
        *([str(device["write_cache"])] if device["write_cache"] else []),
    ]
    text, level, remedy = ", ".join(parts), Level.OK, ""
    if scheduler == _HEAVY_SCHEDULER and device["rotational"] == "0":
        level = Level.WARNING
        text += "; bfq costs a fast device many operations"
        remedy = f"echo none > /sys/block/{device['name']}/queue/scheduler"
    elif queue is not None and wanted.outstanding > queue:
        level = Level.WARNING
        text += f"; the job has up to {wanted.outstanding} requests outstanding"
        remedy = f"a smaller queue_depth, or a larger /sys/block/{device['name']}/queue/nr_requests"
    return Finding(
        check="device", level=level, found=text, why=why, remedy=remedy, target=target.path
    )


def _chosen(schedulers: str) -> str:
    """The one in brackets, or the only one."""
    match = re.search(r"\[([\w-]+)\]", schedulers)
    return match[1] if match else schedulers.strip()
