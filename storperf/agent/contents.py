"""Whether a target holds data: blocks that are all zero, parts of a file never written.

A block that was never written is not read from storage: the file system, or a thin volume,
makes up zeros for it.  For a file its map says which parts these are (FIEMAP, else SEEK_DATA);
for a device only blocks that are read can tell.
Source: Documentation/filesystems/fiemap.rst of Linux, lseek(2).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import mmap
import os
import random
import stat
import struct
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from storperf.agent.refusal import FAILED, Refusal

SAMPLE_BYTES = 4096

_FS_IOC_FIEMAP = 0xC020660B
_MAP = struct.Struct("=QQIIII")
_EXTENT = struct.Struct("=QQQQQIIII")
_EXTENTS_A_CALL = 512
_SYNC = 0x1
_LAST = 0x1
_UNWRITTEN = 0x800
_NO_MAP = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EBADR)

Facts = Dict[str, Any]


def inspect(filenames: Sequence[str], size_bytes: int, samples: int, seed: int) -> Facts:
    """What a target of `size_bytes` holds, over all its files.

    `samples` blocks at places that `seed` chooses are read, and the first and the last of each
    file: `zero_samples` of them are all zero, the first at `first_zero` (file, byte).
    `unwritten_bytes` is allocated and never written, `hole_bytes` not even allocated; both are
    None where nothing tells (`map` is then `none`).  `sha256` is that of all samples.
    Refusal when a block cannot be read.
    """
    found: Facts = {"samples": 0, "zero_samples": 0, "first_zero": None, "map": "none"}
    found.update(unwritten_bytes=None, hole_bytes=None)
    digest = hashlib.sha256()
    each_bytes = size_bytes // len(filenames)
    for number, filename in enumerate(filenames):
        fd = _open(filename)
        try:
            for offset in offsets(each_bytes, samples // len(filenames), seed + number):
                block = _read(fd, filename, offset)
                digest.update(block)
                found["samples"] += 1
                if block.count(0) == len(block):
                    found["zero_samples"] += 1
                    found["first_zero"] = found["first_zero"] or [filename, offset]
            _add_map(found, fd, each_bytes)
        finally:
            os.close(fd)
    return {**found, "sha256": digest.hexdigest()}


def offsets(size_bytes: int, samples: int, seed: int) -> List[int]:
    """Where to look: the first and the last whole block, and `samples` others; in order."""
    blocks = size_bytes // SAMPLE_BYTES
    if blocks <= samples + 2:
        return [number * SAMPLE_BYTES for number in range(blocks)]
    chance = random.Random(seed)  # noqa: S311 - places to look at, no secret
    chosen = chance.sample(range(1, blocks - 1), samples)
    return [number * SAMPLE_BYTES for number in sorted([0, blocks - 1, *chosen])]


def _open(filename: str) -> int:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    if os.path.realpath(filename).startswith("/dev/"):
        flags &= ~os.O_NOFOLLOW  # /dev/disk/by-id holds links; what they mean was checked
    try:
        with contextlib.suppress(OSError):
            return os.open(filename, flags | os.O_DIRECT)
        return os.open(filename, flags)
    except OSError as error:
        raise Refusal(FAILED, "{}: {}".format(filename, error.strerror)) from error


def _read(fd: int, filename: str, offset: int) -> bytes:
    """One block, from storage and not from the page cache where that can be had."""
    os.posix_fadvise(fd, offset, SAMPLE_BYTES, os.POSIX_FADV_DONTNEED)
    with mmap.mmap(-1, SAMPLE_BYTES) as buffer:
        try:
            size = os.preadv(fd, [buffer], offset)
        except OSError as error:
            if error.errno == errno.EINVAL and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
                # The device's blocks are larger than ours, or the file system knows no O_DIRECT.
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT)
                return _read(fd, filename, offset)
            message = "{} cannot be read at byte {}: {}"
            raise Refusal(FAILED, message.format(filename, offset, error.strerror)) from error
        if size != SAMPLE_BYTES:
            raise Refusal(FAILED, "{} ends before byte {}".format(filename, offset + SAMPLE_BYTES))
        return buffer[:]


# --- the map of a file -----------------------------------------------------------------------


def _add_map(found: Facts, fd: int, size_bytes: int) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        return
    for kind, read in (("fiemap", _by_fiemap), ("seek_data", _by_seek)):
        parts = read(fd, size_bytes)
        if parts is not None:
            found["map"] = kind
            found["unwritten_bytes"] = (found["unwritten_bytes"] or 0) + parts[0]
            found["hole_bytes"] = (found["hole_bytes"] or 0) + parts[1]
            return


def _by_fiemap(fd: int, size_bytes: int) -> Optional[Tuple[int, int]]:
    """Bytes of a file that are unwritten, and bytes in holes; None without FIEMAP."""
    mapped = unwritten = 0
    try:
        for start, length, flags in _extents(fd, size_bytes):
            inside = max(0, min(start + length, size_bytes) - start)
            mapped += inside
            unwritten += inside if flags & _UNWRITTEN else 0
    except OSError as error:
        if error.errno in _NO_MAP:
            return None
        raise
    return unwritten, max(0, size_bytes - mapped)


def _extents(fd: int, size_bytes: int) -> Iterator[Tuple[int, int, int]]:
    """Start, length and flags of each extent; what waits to be written is written first."""
    start = 0
    while start < size_bytes:
        request = bytearray(_MAP.size + _EXTENTS_A_CALL * _EXTENT.size)
        _MAP.pack_into(request, 0, start, size_bytes - start, _SYNC, 0, _EXTENTS_A_CALL, 0)
        fcntl.ioctl(fd, _FS_IOC_FIEMAP, request)
        count = _MAP.unpack_from(request)[3]
        if not count:
            return
        for number in range(count):
            extent = _EXTENT.unpack_from(request, _MAP.size + number * _EXTENT.size)
            logical, length, flags = extent[0], extent[2], extent[5]
            yield logical, length, flags
            if flags & _LAST or not length:
                return
            start = logical + length


def _by_seek(fd: int, size_bytes: int) -> Optional[Tuple[int, int]]:
    """The same where FIEMAP is missing: what was never written counts as a hole."""
    written = position = 0
    while position < size_bytes:
        try:
            begin = os.lseek(fd, position, os.SEEK_DATA)
            position = min(os.lseek(fd, begin, os.SEEK_HOLE), size_bytes)
        except OSError as error:
            if error.errno == errno.ENXIO:  # no data behind this place
                break
            if error.errno in _NO_MAP:
                return None
            raise
        written += max(0, position - begin)
    return 0, size_bytes - written
