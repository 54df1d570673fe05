"""The files of a spool: frames appended at the end, read from any frame on, removed whole.

Not synced to the disk: they outlive their manager, not the power of its machine, as the copies
of the journals do.  Where the disk takes nothing a segment is memory: it is lost with its
manager, and everything else is the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storperf.agent.frames import FrameError, FrameReader
from storperf.sinks.entries import Entry, decode

_CHUNK = 1 << 16
SUFFIX = ".segment"


class Segment:
    """One file; `number` orders them, `size` counts whole frames, `closed` says it grows no more.

    One thread appends, another one reads; a frame that is only half there is not given yet.
    """

    def __init__(self, number: int, fd: int, path: Path | None) -> None:
        self.number = number
        self.path = path
        self.closed = False
        self.is_thin = False
        self.is_inherited = False
        self._born_s = time.monotonic()
        self.size = os.fstat(fd).st_size
        self._fd = fd

    @classmethod
    def create(cls, folder: Path, number: int) -> Segment:
        """A new one on the disk; OSError when that takes none."""
        path = folder / f"{number:010}{SUFFIX}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        return cls(number, os.open(path, flags, 0o600), path)

    @classmethod
    def in_memory(cls, number: int) -> Segment:
        """A new one that needs no disk."""
        return cls(number, os.memfd_create(f"spool-{number}", os.MFD_CLOEXEC), None)

    @classmethod
    def existing(cls, path: Path) -> Segment:
        """One that a dead manager left."""
        found = cls(int(path.name.removesuffix(SUFFIX)), os.open(path, os.O_RDWR), path)
        found.closed = found.is_inherited = True
        found._born_s -= max(0.0, time.time() - path.stat().st_mtime)
        return found

    @classmethod
    def beside(cls, other: Segment) -> Segment:
        """One that is to take the place of another and what follows it, see `settle`."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        made = cls.in_memory(other.number)
        if other.path is not None:
            fresh = other.path.with_suffix(".new")
            with contextlib.suppress(OSError):
                made = cls(other.number, os.open(fresh, flags, 0o600), fresh)
        made.closed = made.is_thin = True
        made._born_s = other._born_s
        return made

    def settle(self, other: Segment) -> None:
        """Take the name of another one, which is gone."""
        if self.path is not None and other.path is not None:
            self.path = self.path.replace(other.path)

    def age_s(self) -> float:
        """Seconds since its first entry was written, or its last one by a dead manager."""
        return time.monotonic() - self._born_s

    def append(self, data: bytes) -> None:
        """Add whole frames; OSError when they do not fit, then nothing of them is there."""
        try:
            written = os.pwrite(self._fd, data, self.size)
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        if written != len(data):
            os.ftruncate(self._fd, self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on, at most up to the end."""
        return os.pread(self._fd, size, offset)

    def entries(self, offset: int = 0) -> Iterator[Entry]:
        """Every whole entry from an offset on; a torn end is left out."""
        reader = SegmentReader(self, offset)
        while batch := reader.read():
            yield from batch

    def remove(self) -> None:
        """Close it, and remove its file."""
        os.close(self._fd)
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def release(self) -> None:
        """Close it; a file stays for who comes next."""
        os.close(self._fd)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between two frames of a spool."""

    number: int
    offset: int


class SegmentReader:
    """Reads entries of one segment from an offset on, as they come."""

    def __init__(self, segment: Segment, offset: int) -> None:
        self.segment = segment
        self.is_torn = False
        self._start = offset
        self._fed = offset
        self._frames = FrameReader()

    @property
    def position(self) -> Position:
        """Behind the entry that was given last."""
        return Position(self.segment.number, self._start + self._frames.consumed_bytes)

    def skip_to(self, offset: int) -> None:
        """Go on behind entries that are known otherwise."""
        self._start = self._fed = offset
        self._frames = FrameReader()

    def read(self) -> list[Entry]:
        """The next entries, none at the present end; what follows damage is left out."""
        found: list[Entry] = []
        while not found and not self.is_torn:
            chunk = self.segment.read(self._fed, _CHUNK)
            if not chunk:
                break
            self._fed += len(chunk)
            try:
                found += [decode(*frame) for frame in self._frames.feed_raw(chunk)]
            except FrameError:
                self.is_torn = True
        return found
