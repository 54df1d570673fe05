"""Takes targets, and gives them back as they were.

A directory target is a file of ours in a folder of ours inside the directory that
the job names; the lock is an flock on that directory.  A device target is held
open with O_EXCL, which mount(8), LVM and other runs respect.  What is created is
written down first, so that a later supervisor of the same run can remove it.
For a target on a server only a file of ours is locked (remote_targets.py).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import mmap
import os
from typing import Any, Callable, Dict, List, Optional

from storperf.agent import devices, facts, remote_targets
from storperf.agent.mounts import Mounts
from storperf.agent.refusal import (
    BUSY,
    FAILED,
    NO_SPACE,
    REFUSED,
    Refusal,
    permission_words,
)
from storperf.agent.taken import Taken

DIRECT_ALIGNMENT = 4096
_MIB = 1 << 20
_IN_MEMORY = ("tmpfs", "ramfs")
_NOT_THERE = (
    errno.EROFS,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
_OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Request = Dict[str, Any]


def _refuse_os_error(path: str, error: OSError) -> Refusal:
    if error.errno in _OUT_OF_SPACE:
        return Refusal(NO_SPACE, "no space for the target at {}: {}".format(path, error.strerror))
    if error.errno in (errno.EACCES, errno.EPERM):
        words = permission_words()
        return Refusal(REFUSED, "cannot make a target at {}: {}".format(path, words))
    if error.errno in _NOT_THERE:
        return Refusal(REFUSED, "cannot make a target at {}: {}".format(path, error.strerror))
    return Refusal(FAILED, "cannot make a target at {}: {}".format(path, error.strerror))


def _is_ours_to_create(directory: str) -> bool:
    """Whether the directory is missing but its parent is there; Refusal when that is not."""
    if os.path.isdir(directory):
        return False
    if os.path.lexists(directory):
        raise Refusal(REFUSED, "{} is not a directory".format(directory))
    parent = os.path.dirname(directory)
    if not os.path.isdir(parent):
        message = "{} does not exist; make it first, so that a typing error fills no other disk"
        raise Refusal(REFUSED, message.format(parent))
    return True


class Targets:
    """The targets of one run on this host; `state_path` remembers what was created.

    `locks` is the folder for locks of targets on servers, the same for all runs; by default one
    beside `state_path`.
    """

    def __init__(self, run: str, state_path: str, locks: Optional[str] = None) -> None:
        self.run = run
        self._mounts = Mounts(run, os.path.dirname(state_path))
        self.taken: List[Taken] = []
        self._state_path = state_path
        beside = os.path.join(os.path.dirname(state_path), remote_targets.LOCKS)
        self._locks = beside if locks is None else locks
        self._created: List[str] = []
        self._new_files: List[str] = []
        if os.path.exists(state_path):
            with open(state_path, encoding="utf-8") as source:
                self._created = json.load(source)

    def prepare(self, requests: List[Request]) -> List[Taken]:
        """Take all targets or none; doing it again with the same requests changes nothing."""
        if self.taken:
            if [taken.request for taken in self.taken] != requests:
                raise Refusal(FAILED, "this run holds other targets already")
            return self.taken
        try:
            for index, request in enumerate(requests):
                self.taken.append(self._take(index, request))
        except BaseException:
            self.release()
            raise
        return self.taken

    def take_new_files(self) -> List[str]:
        """The files that were made since the last call: what they held before is gone."""
        new, self._new_files = self._new_files, []
        return new

    def device_names(self) -> Dict[int, str]:
        """The kernel's name of the disk under each target that has one."""
        return {
            index: os.path.basename(folder)
            for index, taken in enumerate(self.taken)
            if (folder := facts.device_folder(taken.device))
        }

    def check_again(self) -> None:
        """Refusal when a device is no longer the one that was taken, or smaller by now.

        Asked before and after each trial: fio reads behind the end of a device that shrank
        without an error (fio 3.33, tried).
        """
        for taken in self.taken:
            if taken.rdev is not None:
                try:
                    _require_same(taken)
                except Refusal as refusal:
                    # Whatever it is by now: the job was right when the target was taken.
                    raise Refusal(FAILED, refusal.message) from refusal

    def release(self) -> List[str]:
        """Remove what was created and unlock; what could not be removed, to be tried again."""
        left = {}
        for path in reversed(self._created):
            # A file system of ours goes as a whole, also when its device has failed.
            failure = None if self._mounts.holds(path) else self._remove(path)
            if failure is not None:
                left[path] = failure
        self._created = [path for path in self._created if path in left]
        for taken in self.taken:
            taken.close()
        self.taken = []
        try:
            self._save()
            still_there = self._mounts.give_back()
        except OSError as error:
            return [*left.values(), "{}: {}".format(self._state_path, error.strerror)]
        return [*left.values(), *still_there]

    def _take(self, index: int, request: Request) -> Taken:
        if request["kind"] == "null":
            return Taken(request, [], request["size_bytes"], None)
        if request["kind"] == "device":
            return self._take_device(index, request)
        if request["kind"] in remote_targets.KINDS:
            return self._take_remote(request)
        try:
            return self._take_directory(index, request)
        except OSError as error:
            raise _refuse_os_error(request["path"], error) from error

    def _take_remote(self, request: Request) -> Taken:
        fd, path = remote_targets.lock(request, self._locks, self.run)
        taken = Taken(request, [], request["size_bytes"], fd)
        taken.lock = path
        return taken

    def _take_device(self, index: int, request: Request) -> Taken:
        path = request["path"]
        if not request.get("serial") or not request.get("destroy"):
            message = "{}: a device target needs its serial and destroy: true".format(path)
            raise Refusal(REFUSED, message)
        if request.get("mkfs"):
            return self._take_formatted(index, request)
        rdev = devices.require_serial(path, request["serial"])
        devices.require_unused(path, rdev, is_ours=bool(request.get("is_ours")))
        if request.get("purge"):
            devices.require_discard(path, rdev)
        try:
            fd = os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.EBUSY:
                message = "{} is in use: mounted, stacked upon, or another run has it".format(path)
                raise Refusal(BUSY, message) from error
            raise _refuse_os_error(path, error) from error
        try:
            return _hold_device(fd, rdev, request)
        except BaseException:
            os.close(fd)
            raise

    def _take_formatted(self, index: int, request: Request) -> Taken:
        """Files in a new file system on the device."""
        point, rdev = self._mounts.take(index, request)
        try:
            taken = self._take_directory(index, {**request, "path": point})
        except OSError as error:
            raise _refuse_os_error(request["path"], error) from error
        taken.request = request
        taken.rdev, taken.device_bytes = rdev, devices.size_of(request["path"])
        return taken

    def _make_directory(self, directory: str) -> None:
        """Make the job's directory; one that another run has made meanwhile is not ours."""
        with contextlib.suppress(FileExistsError):
            self._create(directory, lambda: os.mkdir(directory, 0o755))

    def _take_directory(self, index: int, request: Request) -> Taken:
        directory = os.path.normpath(request["path"])
        if _is_ours_to_create(directory):
            self._make_directory(directory)
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._lock(fd, directory)
            filenames = self._make_files(directory, index, request)
        except BaseException:
            os.close(fd)
            raise
        taken = Taken(request, filenames, request["size_bytes"], fd)
        taken.device = devices.device_numbers(os.fstat(fd).st_dev)
        return taken

    def _lock(self, fd: int, directory: str) -> None:
        held = [taken.fd for taken in self.taken if taken.fd is not None]
        if any(os.path.sameopenfile(fd, other) for other in held):
            return  # two targets of this run in one directory
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            others = [name for name in os.listdir(directory) if name.startswith("storperf-")]
            message = "{} is in use by another run ({}); wait for it or name another target"
            raise Refusal(BUSY, message.format(directory, ", ".join(others) or "?")) from error

    def _make_files(self, directory: str, index: int, request: Request) -> List[str]:
        """The target's file, or its `nrfiles` files of equal size that add up to its size."""
        folder = os.path.join(directory, "storperf-" + self.run)
        name = os.path.join(folder, "target-{}".format(index))
        count = request.get("nrfiles", 1)
        filenames = [name] if count == 1 else ["{}.{}".format(name, n) for n in range(count)]
        if folder not in self._created:
            self._create(folder, lambda: os.mkdir(folder, 0o700))
        elif not os.path.isdir(folder):
            os.mkdir(folder, 0o700)  # the supervisor before this one died in between
        self._require_room(directory, filenames, request["size_bytes"])
        for filename in filenames:
            self._make_file(filename, request["size_bytes"] // count)
        if request.get("direct"):
            _require_direct(filenames[0])
        return filenames

    def _make_file(self, filename: str, size_bytes: int) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        if filename not in self._created:
            self._create(filename, lambda: os.close(os.open(filename, flags | os.O_EXCL, 0o600)))
        fd = os.open(filename, flags, 0o600)
        try:
            if os.fstat(fd).st_size != size_bytes:
                os.posix_fallocate(fd, 0, size_bytes)
                self._new_files.append(filename)
        finally:
            os.close(fd)

    def _require_room(self, directory: str, filenames: List[str], size_bytes: int) -> None:
        """Refusal when what is not allocated yet does not fit."""
        present = sum(
            os.lstat(filename).st_size
            for filename in filenames
            if filename in self._created and os.path.lexists(filename)
        )
        room = os.statvfs(directory)
        free = room.f_bavail * room.f_frsize
        if present < size_bytes and free < size_bytes - present:
            message = "{} has {} MiB free, the job asks for {} MiB; lower target.size or make room"
            raise Refusal(NO_SPACE, message.format(directory, free >> 20, size_bytes >> 20))

    def _create(self, path: str, make: Callable[[], None]) -> None:
        """Write down, then make; what was there before is not ours and is not written down."""
        self._created.append(path)
        self._save()
        try:
            make()
        except OSError:
            self._created.remove(path)
            self._save()
            raise

    def _save(self) -> None:
        if not self._created:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._state_path)
            return
        temporary = self._state_path + ".new"
        with open(temporary, "w", encoding="utf-8") as sink:
            json.dump(self._created, sink)
        os.replace(temporary, self._state_path)

    def _remove(self, path: str) -> Optional[str]:
        """Remove one thing of ours; a sentence when it could not be."""
        folder = "storperf-" + self.run
        is_ours_alone = folder in (os.path.basename(path), os.path.basename(os.path.dirname(path)))
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ENOTEMPTY and not is_ours_alone:
                return None  # the job's directory, which others use by now
            return "{}: {}".format(path, error.strerror)
        return None


def _require_same(taken: Taken) -> None:
    path = taken.request["path"]
    if devices.require_serial(path, taken.request["serial"]) != taken.rdev:
        raise Refusal(FAILED, "{} is another device than before".format(path))
    has = devices.size_of(path)
    if has < taken.device_bytes:
        message = "{} has shrunk: it has {} bytes, and had {}"
        raise Refusal(FAILED, message.format(path, has, taken.device_bytes))


def _hold_device(fd: int, rdev: int, request: Request) -> Taken:
    """The target behind an open device; Refusal when it is not what was checked."""
    path = request["path"]
    try:
        # Keeps udev from probing it while it is measured (systemd: block device locking).
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Refusal(BUSY, "{} is locked by another program".format(path)) from error
    if os.fstat(fd).st_rdev != rdev:
        raise Refusal(REFUSED, "{} changed while it was checked".format(path))
    has = devices.size_bytes(fd)
    # The whole device is all its whole MiB: a fill in large blocks leaves no rest unwritten.
    taken = Taken(request, [path], request.get("size_bytes") or has - has % _MIB, fd)
    taken.device = devices.device_numbers(rdev)
    taken.rdev, taken.device_bytes = rdev, has
    if not taken.size_bytes:
        raise Refusal(REFUSED, "{} has {} bytes, less than 1 MiB".format(path, has))
    if has < taken.size_bytes:
        message = "{} has {} bytes, the job asks for {}; lower target.size"
        raise Refusal(REFUSED, message.format(path, has, taken.size_bytes))
    return taken


def _require_direct(filename: str) -> None:
    """Refusal when the file system cannot do O_DIRECT, or has no storage to do it on."""
    if _takes_direct(filename):
        return
    message = (
        "the file system of {} cannot do O_DIRECT; the page cache would be measured. "
        "Name another directory, or say direct: false"
    )
    raise Refusal(REFUSED, message.format(os.path.dirname(filename)))


def _takes_direct(filename: str) -> bool:
    # Since Linux 6.6 tmpfs takes O_DIRECT without an error, and measures memory.
    if facts.file_system(os.path.realpath(filename)).get("file_system") in _IN_MEMORY:
        return False
    try:
        fd = os.open(filename, os.O_RDWR | os.O_DIRECT | os.O_CLOEXEC)
        try:
            with mmap.mmap(-1, DIRECT_ALIGNMENT) as buffer:
                os.preadv(fd, [buffer], 0)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return False
        raise
    return True


def is_on_same_device(path: str, target: Taken) -> bool:
    """Whether a folder lies on the device that a target is measured on."""
    found = os.stat(path)
    return bool(target.device) and devices.device_numbers(found.st_dev) == target.device
