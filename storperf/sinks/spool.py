"""The writing end of a spool: a folder of segments that belongs to one run and one process.

Every entry is in a file before anybody sends it, so that it outlives the manager.  Where the disk
takes no more, entries are kept in memory, and counted: the run goes on.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import queue
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from storperf.errors import Conflict
from storperf.model.job import Graphite
from storperf.sinks.entries import Entry, count_of, encode
from storperf.sinks.fresh import Fresh
from storperf.sinks.segments import SUFFIX, Segment

log = logging.getLogger(__name__)

_OWNER = "spool.json"
_LOCK = "lock"
_LARGEST_SEGMENT = 4 << 20
_SMALLEST_SEGMENT = 64 << 10
_SEGMENTS = 32
# What may be the results' disk too is never filled up by the spool.
_LEFT_TO_OTHERS = 64 << 20
# How long memory is used before the disk is tried again.
_MEMORY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose spool it is, and where its points go."""

    run: str
    lab: str
    job: str
    graphite: Graphite

    def sends_to(self, other: Owner) -> bool:
        """Whether both send to the same Carbon."""
        own, its = self.graphite, other.graphite
        return (own.host, own.port) == (its.host, its.port)


class Spool:
    """Takes entries; `arrivals` gives every segment to the one who reads them, oldest first.

    `fresh` has what was written last, for one who is right behind.
    Raises Conflict while another process has the folder.
    """

    def __init__(self, folder: Path, owner: Owner) -> None:
        self.owner = owner
        self.offered = 0
        self.in_memory = 0
        self.fault: str | None = None
        self.arrivals: queue.SimpleQueue[Segment] = queue.SimpleQueue()
        self.fresh = Fresh()
        self.folder = folder
        self._lock = _locked(folder)
        self._segment_bytes = min(
            _LARGEST_SEGMENT, max(_SMALLEST_SEGMENT, owner.graphite.spool_bytes // _SEGMENTS)
        )
        self._next = 1
        self._segment: Segment | None = None
        self._begun_s = 0.0
        self._open_existing()

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries, in the order in which they are to be sent."""
        if not entries:
            return
        data = b"".join(encode(entry) for entry in entries)
        count = sum(count_of(entry) for entry in entries)
        self.offered += count
        try:
            self._append(data, entries)
        except OSError as error:
            self._note(error)
            self._start_segment(self._memory())
            self._append(data, entries)
        if self._segment is not None and self._segment.path is None:
            self.in_memory += count

    def close_segment(self) -> None:
        """Nothing more comes."""
        if self._segment is not None:
            self._segment.closed = True

    def close(self, *, is_removed: bool) -> None:
        """Let others have the folder, or remove it when its segments are gone."""
        self.close_segment()
        if is_removed and not any(self.folder.glob(f"*{SUFFIX}")):
            try:
                shutil.rmtree(self.folder)
            except OSError as error:
                log.debug("%s stays: %s", self.folder, error)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- in detail -----------------------------------------------------------------------

    def _open_existing(self) -> None:
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            found = Segment.existing(path)
            self._next = found.number + 1
            self.arrivals.put(found)
        try:
            text = json.dumps(asdict(self.owner), ensure_ascii=True)
            fresh = self.folder / f"{_OWNER}.new"
            fresh.write_text(text, encoding="ascii")
            fresh.replace(self.folder / _OWNER)
        except OSError as error:
            self._note(error)

    def _append(self, data: bytes, entries: Sequence[Entry]) -> None:
        if self._segment is None or self._is_used_up(self._segment):
            self._start_segment(self._in_file())
        if self._segment is not None:
            start = self._segment.size
            self._segment.append(data)
            self.fresh.put(self._segment, start, entries)

    def _is_used_up(self, segment: Segment) -> bool:
        is_old = segment.path is None and time.monotonic() - self._begun_s > _MEMORY_S
        return segment.size >= self._segment_bytes or is_old

    def _start_segment(self, segment: Segment) -> None:
        if self._segment is not None:
            self._segment.closed = True
        self._segment = segment
        self._begun_s = time.monotonic()
        self.arrivals.put(segment)

    def _in_file(self) -> Segment:
        """A segment in a file; OSError when its file system has no room to spare."""
        room = os.statvfs(self.folder)
        if room.f_bavail * room.f_frsize < _LEFT_TO_OTHERS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        number, self._next = self._next, self._next + 1
        return Segment.create(self.folder, number)

    def _memory(self) -> Segment:
        number, self._next = self._next, self._next + 1
        return Segment.in_memory(number)

    def _note(self, error: OSError) -> None:
        if self.fault is None:
            self.fault = f"{self.folder}: {error.strerror or error}"
            log.warning("the spool's disk takes nothing, memory does: %s", self.fault)


def owner_of(folder: Path) -> Owner | None:
    """Whose spool a folder is; None when it is none, or its manager died while making it."""
    try:
        found = json.loads((folder / _OWNER).read_text(encoding="ascii"))
        return Owner(**{**found, "graphite": Graphite(**found["graphite"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def is_in_use(folder: Path) -> bool:
    """Whether a living process has the spool."""
    try:
        lock = _locked(folder, is_made=False)
    except Conflict:
        return True
    if lock is not None:
        os.close(lock)
    return False


def _locked(folder: Path, *, is_made: bool = True) -> int | None:
    """A lock that the kernel releases with its process; None where nothing can be written."""
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        if is_made:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags |= os.O_CREAT
        fd = os.open(folder / _LOCK, flags, 0o600)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("there is no spool at %s: %s", folder, error.strerror)
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(fd)
        raise Conflict(f"another process sends what is in {folder}") from error
    return fd
