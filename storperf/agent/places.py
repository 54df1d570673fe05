"""A folder or device looked at before anything is measured there; nothing of it is changed."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import tempfile
from typing import Any, Callable, Dict, List, Optional

from storperf.agent import devices, facts
from storperf.agent.refusal import Refusal
from storperf.agent.targets import DIRECT_ALIGNMENT

Facts = Dict[str, Any]

_NO_TMPFILE = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)


def nearest_folder(path: str) -> str:
    """The path itself, or the nearest folder above it that is there."""
    while not os.path.isdir(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return path


def folder_facts(path: str) -> Facts:
    """Room and rights of the nearest folder that is there."""
    folder = nearest_folder(os.path.abspath(path))
    room = os.statvfs(folder)
    return {
        "path": path,
        "examined": folder,
        "is_writable": os.access(folder, os.W_OK | os.X_OK),
        "free_bytes": room.f_bavail * room.f_frsize,
        "size_bytes": room.f_blocks * room.f_frsize,
        "device": devices.device_numbers(os.stat(folder).st_dev),
    }


def mount_source(path: str) -> str:
    """What is mounted where a path lies: `/dev/sda1`, `host:/export`, `overlay`."""
    best, source = "", ""
    for line in facts.read_text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        point = before.split()[4].replace("\\040", " ")
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best, source = point, after.split()[1]
    return source


def block_folders(device: str) -> List[str]:
    """The folders in sysfs of the whole devices that a device number lies on, at the bottom."""
    folder = os.path.realpath("/sys/dev/block/" + device)
    if not os.path.isdir(folder):
        return []
    if os.path.exists(folder + "/partition"):
        folder = os.path.dirname(folder)
    below: List[str] = []
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder + "/slaves")):
            below += block_folders(facts.read_text(folder + "/slaves/" + name + "/dev"))
    return below or [folder]


def block_facts(folder: str) -> Facts:
    """Model and queue of a whole device."""
    found = {"name": os.path.basename(folder), "model": facts.read_text(folder + "/device/model")}
    for key in ("scheduler", "rotational", "nr_requests", "logical_block_size", "write_cache"):
        found[key] = facts.read_text(folder + "/queue/" + key)
    return found


def target_facts(request: Facts) -> Facts:
    """What is known of a target: `path`, and for a device the `serial` that a job names.

    `fault` says why nothing could be measured there; then the rest may be missing.
    """
    path = str(request["path"])
    try:
        found = os.stat(path)
    except OSError as error:
        return _missing_facts(path, error)
    if stat.S_ISBLK(found.st_mode):
        return _device_facts(path, found.st_rdev, str(request.get("serial") or ""))
    if not stat.S_ISDIR(found.st_mode):
        return {"path": path, "kind": "other", "fault": "it is neither a directory nor a device"}
    return _directory_facts(path)


def _missing_facts(path: str, error: OSError) -> Facts:
    """A missing directory is made by a run, in a parent that is there."""
    parent = os.path.dirname(os.path.abspath(path))
    is_to_be_made = error.errno == errno.ENOENT and not path.startswith("/dev/")
    if is_to_be_made and not os.path.lexists(path) and os.path.isdir(parent):
        return {**_directory_facts(parent), "path": path, "is_missing": True}
    fault = "{}: {}".format(path, error.strerror)
    if error.errno == errno.ENOENT:
        fault = "neither it nor the directory above it is there"
    return {"path": path, "kind": "missing", "fault": fault}


def _directory_facts(path: str) -> Facts:
    real = os.path.realpath(path)
    found = {**folder_facts(path), **facts.file_system(real), "kind": "directory"}
    if not found["is_writable"]:
        found["fault"] = "this user may not write there"
        if "ro" in str(found.get("mount_options", "")).split(","):
            found["fault"] = "it is mounted read-only"
    else:
        found.update(try_direct(path))
    folders = block_folders(found["device"])
    source = mount_source(real)
    if not folders and source.startswith("/dev/"):  # btrfs has a device number of its own
        with contextlib.suppress(OSError):
            folders = block_folders(devices.device_numbers(os.stat(source).st_rdev))
    return {**found, "source": source, "folders": folders}


def _device_facts(path: str, rdev: int, serial: str) -> Facts:
    device = devices.device_numbers(rdev)
    found: Facts = {
        "path": path,
        "kind": "device",
        "device": device,
        "serials": devices.identities(rdev),
        "folders": block_folders(device),
    }
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        return {**found, "fault": "it cannot be opened: {}".format(error.strerror)}
    try:
        found["size_bytes"] = devices.size_bytes(fd)
        if not found["size_bytes"]:
            return {**found, "fault": "it has no medium: its size is 0"}
        found.update(_direct_words(lambda: _read_block(fd)))
    finally:
        os.close(fd)
    if serial:
        try:
            devices.require_unused(path, devices.require_serial(path, serial), is_ours=False)
        except Refusal as refusal:
            found["fault"] = refusal.message
    return found


# --- O_DIRECT, really tried ------------------------------------------------------------------


def try_direct(folder: str) -> Facts:
    """`direct`: whether a block goes out and comes back past the page cache; None: not known."""
    return _direct_words(lambda: _write_and_read(folder))


def _direct_words(act: Callable[[], None]) -> Facts:
    try:
        act()
    except OSError as error:
        is_refused = error.errno in (errno.EINVAL, errno.EOPNOTSUPP)
        return {"direct": False if is_refused else None, "direct_error": str(error.strerror)}
    return {"direct": True}


def _open_nameless(folder: str) -> Optional[int]:
    """A file without a name, which even a kill leaves nothing of; None where there are none."""
    flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
    try:
        os.close(os.open(folder, flags, 0o600))
    except OSError as error:
        if error.errno in _NO_TMPFILE:
            return None
        raise
    return os.open(folder, flags | os.O_DIRECT, 0o600)


def _write_and_read(
    folder: str, open_nameless: Callable[[str], Optional[int]] = _open_nameless
) -> None:
    fd = open_nameless(folder)
    if fd is not None:
        try:
            _copy_block(fd)
        finally:
            os.close(fd)
        return
    named, path = tempfile.mkstemp(prefix=".storperf-doctor-", dir=folder)
    try:
        os.close(named)
        fd = os.open(path, os.O_RDWR | os.O_DIRECT | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _copy_block(fd)
        finally:
            os.close(fd)
    finally:
        os.unlink(path)


def _copy_block(fd: int) -> None:
    with mmap.mmap(-1, DIRECT_ALIGNMENT) as buffer:
        buffer.write(b"storperf" * (DIRECT_ALIGNMENT // 8))
        os.pwritev(fd, [buffer], 0)
        _read_block(fd)


def _read_block(fd: int) -> None:
    with mmap.mmap(-1, DIRECT_ALIGNMENT) as buffer:
        if os.preadv(fd, [buffer], 0) != DIRECT_ALIGNMENT:
            raise OSError(errno.EIO, "a block came back short")
