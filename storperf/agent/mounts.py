"""File systems of ours on devices that the job names: made, mounted, unmounted, wiped again.

What will be done is written down first, so that a later supervisor of the run can undo it.  A
file system is known to be ours by its label, which is made from the run's name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import select
import time
from typing import Any, Dict, List, Optional, Sequence, Tuple

from storperf.agent import devices, facts, file_systems
from storperf.agent.refusal import BUSY, FAILED, REFUSED, Refusal

STATE = "mounted.json"
_FOLDER = "mounts"
# mkfs discards a large device first, which may take minutes.
_MKFS_S = 600.0
_COMMAND_S = 60.0
_BUSY_S = 10.0

Entry = Dict[str, str]
Request = Dict[str, Any]


class Mounts:
    """The file systems of one run on this host; `busy_s` is how long one may be in use yet."""

    def __init__(self, run: str, run_dir: str, busy_s: float = _BUSY_S) -> None:
        self._busy_s = busy_s
        digest = hashlib.sha256(run.encode()).hexdigest()
        self._label = ("sp" + digest)[: file_systems.LABEL_CHARACTERS]
        self._folder = os.path.join(run_dir, _FOLDER)
        self._state_path = os.path.join(run_dir, STATE)
        self._entries: List[Entry] = []
        self._locks: List[int] = []
        if os.path.exists(self._state_path):
            with open(self._state_path, encoding="utf-8") as source:
                self._entries = json.load(source)

    def take(self, index: int, request: Request) -> Tuple[str, int]:
        """The folder in which the device's new file system is mounted, and the device's number.

        One that this run mounted before is found again, with what it holds.
        """
        path, mkfs = request["path"], request["mkfs"]
        options = [str(option) for option in (request.get("mount") or {}).get("options", ())]
        fault = file_systems.fault_in_mkfs(mkfs["type"], mkfs["options"])
        fault = fault or file_systems.fault_in_mount(options)
        if fault is not None:
            raise Refusal(REFUSED, "{}: {}".format(path, fault))
        if os.geteuid():
            raise Refusal(REFUSED, "{}: only root can mount a file system".format(path))
        rdev = devices.require_serial(path, request["serial"])
        point = os.path.join(self._folder, "target-{}".format(index))
        if _mounted_at(point) == devices.device_numbers(rdev) and self._entry(point) is not None:
            self._lock(path, rdev)
            return point, rdev
        self._undo(self._entry(point))
        devices.require_unused(path, rdev, is_ours=bool(request.get("is_ours")))
        self._lock(path, rdev)
        _require_alone(path)
        entry = {
            "point": point,
            "path": path,
            "serial": request["serial"],
            "type": mkfs["type"],
        }
        self._make(entry, mkfs["options"], options)
        return point, rdev

    def holds(self, path: str) -> bool:
        """Whether a path lies in one of these file systems, and so goes with it."""
        return any(path.startswith(entry["point"] + "/") for entry in self._entries)

    def give_back(self) -> List[str]:
        """Unmount and wipe all; what could not be undone, in words, to be tried again."""
        left = []
        for entry in reversed(list(self._entries)):
            try:
                self._undo(entry)
            except Refusal as refusal:
                left.append(refusal.message)
        for fd in self._locks:
            os.close(fd)
        self._locks = []
        with contextlib.suppress(OSError):
            os.rmdir(self._folder)
        return left

    # --- to and fro ------------------------------------------------------------------

    def _entry(self, point: str) -> Optional[Entry]:
        return next((entry for entry in self._entries if entry["point"] == point), None)

    def _make(self, entry: Entry, options: Sequence[str], mount_options: Sequence[str]) -> None:
        """Who takes targets gives all back when this fails."""
        self._save([*self._entries, entry])
        kind, path, point = entry["type"], entry["path"], entry["point"]
        for folder in (self._folder, point):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        argv = file_systems.mkfs_argv(kind, options, self._label, path)
        _run(argv, "{} cannot be formatted".format(path), _MKFS_S)
        argv = file_systems.mount_argv(kind, mount_options, path, point)
        _run(argv, "{} cannot be mounted".format(path))

    def _undo(self, entry: Optional[Entry]) -> None:
        """Back to a device without a file system; Refusal when that cannot be."""
        if entry is None:
            return
        point = entry["point"]
        self._unmount(point)
        self._wipe(entry)
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(point)
        self._save([other for other in self._entries if other is not entry])

    def _unmount(self, point: str) -> None:
        give_up_s = time.monotonic() + self._busy_s
        while _mounted_at(point):
            try:
                _run(["umount", point], "{} cannot be unmounted".format(point))
            except Refusal:
                # A fio that was killed a moment ago may hold it still.
                if time.monotonic() > give_up_s:
                    raise
                select.select((), (), (), 0.1)

    def _wipe(self, entry: Entry) -> None:
        """Take our signature away; a device that is gone, or another by now, is left alone."""
        path = entry["path"]
        try:
            devices.require_serial(path, entry["serial"])
        except Refusal:
            return
        found = devices.labelled_signatures(path)
        if not found:
            return
        if any(label != self._label for _, label in found):
            message = "{} holds {} that is not ours; it stays as it is"
            raise Refusal(FAILED, message.format(path, ", ".join(kind for kind, _ in found)))
        _run(["wipefs", "--all", "--quiet", path], "{} cannot be wiped".format(path))

    def _lock(self, path: str, rdev: int) -> None:
        """Keep udev and other runs away, without hindering mkfs and mount."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._locks.append(fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refusal(BUSY, "{} is locked by another program".format(path)) from error
        if os.fstat(fd).st_rdev != rdev:
            raise Refusal(REFUSED, "{} changed while it was checked".format(path))

    def _save(self, entries: List[Entry]) -> None:
        self._entries = entries
        if not entries:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._state_path)
            return
        temporary = self._state_path + ".new"
        with open(temporary, "w", encoding="utf-8") as sink:
            json.dump(entries, sink)
        os.replace(temporary, self._state_path)


def _mounted_at(point: str) -> str:
    """`major:minor` of the device that is mounted at a folder, empty when none is."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            if before.split()[4].replace("\\040", " ") == point:
                with contextlib.suppress(OSError):
                    # btrfs has a device number of its own.
                    return devices.device_numbers(os.stat(after.split()[1]).st_rdev)
                return before.split()[2]
    return ""


def _require_alone(path: str) -> None:
    """Refusal when somebody else holds the device; it cannot be held while it is mounted."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            message = "{} is in use: mounted, stacked upon, or another run has it".format(path)
            raise Refusal(BUSY, message) from error
        raise Refusal(FAILED, "{}: {}".format(path, error.strerror)) from error


def _run(argv: List[str], what: str, timeout_s: float = _COMMAND_S) -> None:
    """Run to the end; Refusal with its last words when it fails."""
    done = facts.run_quietly(argv, timeout_s, devices.environment())
    if "error" in done:
        raise Refusal(FAILED, "{}: {}".format(what, done["error"]))
    if done["exit_status"]:
        said = " / ".join(done["output"].strip().splitlines()[-3:]) or done["exit_status"]
        raise Refusal(FAILED, "{}: {}: {}".format(what, argv[0], said))
