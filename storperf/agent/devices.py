"""May this block device be written to?  Asked before anything is opened for writing.

A device must carry the serial that the job names, be a whole disk, and be empty:
not mounted, no swap, no partition, nothing stacked on it, no signature of a file
system, LVM, RAID, Ceph or anything else that wipefs(8) knows.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import subprocess
from typing import Dict, List, Set, Tuple

from storperf.agent.refusal import REFUSED, Refusal, permission_words

_BLKGETSIZE64 = 0x80081272


def device_numbers(rdev: int) -> str:
    """`major:minor`, as sysfs names a device."""
    return "{}:{}".format(os.major(rdev), os.minor(rdev))


def _sys(rdev: int) -> str:
    return os.path.realpath("/sys/dev/block/" + device_numbers(rdev))


def _read(path: str) -> str:
    try:
        with open(path, "rb") as source:
            return source.read(4096).decode("utf-8", "replace").replace("\0", "").strip()
    except OSError:
        return ""


def _list(path: str) -> List[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def identities(rdev: int) -> List[str]:
    """Every name that stays with the device: serials, wwids; a loop device's is its file."""
    folder = _sys(rdev)
    names = [
        _read(folder + "/serial"),
        _read(folder + "/device/serial"),
        _read(folder + "/wwid"),
        _read(folder + "/device/wwid"),
        _read(folder + "/dm/uuid"),
    ]
    names.append(_scsi_serial(folder + "/device/vpd_pg80"))
    backing = _read(folder + "/loop/backing_file")
    if backing:
        names.append("loop:" + backing)
    udev = _read("/run/udev/data/b" + device_numbers(rdev)).splitlines()
    wanted = ("E:ID_SERIAL=", "E:ID_SERIAL_SHORT=", "E:ID_WWN=")
    names += [line.split("=", 1)[1] for line in udev if line.startswith(wanted)]
    return sorted({name for name in names if name})


def _scsi_serial(path: str) -> str:
    """The unit serial number page of SCSI: a header of four bytes, then text (SPC-4, 7.8.20)."""
    try:
        with open(path, "rb") as source:
            return source.read(260)[4:].decode("ascii", "replace").strip("\0 ")
    except OSError:
        return ""


def size_bytes(fd: int) -> int:
    """The size of an open block device."""
    return int(struct.unpack("Q", fcntl.ioctl(fd, _BLKGETSIZE64, b"\0" * 8))[0])


def size_of(path: str) -> int:
    """The same by path; Refusal when it cannot be opened."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return size_bytes(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise Refusal(REFUSED, "{}: {}".format(path, error.strerror)) from error


def _with_parents(rdev: int) -> Set[str]:
    """Kernel names of a device, the disk it is a partition of, and all it is stacked on."""
    folder = _sys(rdev)
    if not os.path.isdir(folder):
        return set()
    found = {os.path.basename(folder)}
    if os.path.exists(folder + "/partition"):
        folder = os.path.dirname(folder)
        found.add(os.path.basename(folder))
    for slave in _list(folder + "/slaves"):
        major, _, minor = _read(folder + "/slaves/" + slave + "/dev").partition(":")
        if minor:
            found |= _with_parents(os.makedev(int(major), int(minor)))
    return found


def _rdev_of(path: str) -> int:
    try:
        found = os.stat(path)
    except OSError:
        return 0
    return found.st_rdev if stat.S_ISBLK(found.st_mode) else 0


def _mounted_under(mount_point: str = "") -> Set[str]:
    """Kernel names of the devices under one mount point, or under all of them."""
    found: Set[str] = set()
    with open("/proc/self/mountinfo") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            words = before.split()
            if mount_point and words[4] != mount_point:
                continue
            major, _, minor = words[2].partition(":")
            found |= _with_parents(os.makedev(int(major), int(minor)))
            found |= _with_parents(_rdev_of(after.split()[1]))
    return found


def _swaps() -> Set[str]:
    found: Set[str] = set()
    with open("/proc/swaps") as lines:
        for line in list(lines)[1:]:
            found |= _with_parents(_rdev_of(line.split()[0]))
    return found


def environment() -> Dict[str, str]:
    """For programs such as wipefs: an ordinary user's PATH over SSH lacks their folder."""
    return {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C"}


def signatures(path: str) -> List[str]:
    """What wipefs(8) finds on the device, without changing it."""
    return sorted({kind for kind, _ in labelled_signatures(path)})


def labelled_signatures(path: str) -> List[Tuple[str, str]]:
    """The same with the label of each, empty where it has none."""
    if not os.access(path, os.R_OK):
        message = "{} cannot be checked for data: {}".format(path, permission_words())
        raise Refusal(REFUSED, message)
    argv = ["wipefs", "--no-act", "--parsable", "--output", "TYPE,LABEL", path]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
            env=environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = "{} cannot be checked for data: wipefs: {}".format(path, error)
        raise Refusal(REFUSED, message) from error
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip()
        raise Refusal(REFUSED, "{} cannot be checked for data: {}".format(path, message))
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    parts = [line.partition(",") for line in lines if line and not line.startswith("#")]
    return [(kind, label) for kind, _, label in parts]


def require_serial(path: str, serial: str) -> int:
    """The device number behind `path`; Refusal when the serial is another or there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise Refusal(REFUSED, "no device {}: {}".format(path, error.strerror)) from error
    if not stat.S_ISBLK(found.st_mode):
        raise Refusal(REFUSED, "{} is not a block device".format(path))
    known = identities(found.st_rdev)
    if serial not in known:
        message = "{} is not the device with serial {!r}; it has {}".format(
            path, serial, " or ".join(map(repr, known)) or "no serial at all"
        )
        raise Refusal(REFUSED, message)
    return found.st_rdev


def require_unused(path: str, rdev: int, *, is_ours: bool) -> None:
    """Refusal, naming what is on the device, unless it may be overwritten.

    `is_ours` (a volume from our own ledger) exempts from the signature rule alone.
    """
    folder = _sys(rdev)
    name = os.path.basename(folder)
    if os.path.exists(folder + "/partition"):
        raise Refusal(REFUSED, "{} is a partition; name the whole disk".format(path))
    if name in _mounted_under("/"):
        raise Refusal(REFUSED, "{} is the root disk".format(path))
    if name in _mounted_under():
        raise Refusal(REFUSED, "{} is mounted".format(path))
    if name in _swaps():
        raise Refusal(REFUSED, "{} is used as swap".format(path))
    parts = [part for part in _list(folder) if os.path.exists(folder + "/" + part + "/partition")]
    if parts:
        raise Refusal(REFUSED, "{} is partitioned: {}".format(path, ", ".join(parts)))
    holders = _list(folder + "/holders")
    if holders:
        raise Refusal(REFUSED, "{} is in use by {}".format(path, ", ".join(holders)))
    found = [] if is_ours else signatures(path)
    if found:
        message = "{} holds {}; if its data may go, wipe it first: wipefs --all {}".format(
            path, ", ".join(found), path
        )
        raise Refusal(REFUSED, message)


def require_discard(path: str, rdev: int) -> None:
    """Refusal unless the device can forget what it holds."""
    if _read(_sys(rdev) + "/queue/discard_max_bytes") in ("", "0"):
        message = "{} cannot be purged: it takes no discard; leave out precondition.purge"
        raise Refusal(REFUSED, message.format(path))
