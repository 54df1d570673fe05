"""The agent's own record of what happened: append-only, numbered, survives everything else.

Not synced to disk: a journal on the measured device must not disturb it, and the
manager has its own copy within a second.  A torn last frame is cut off on opening.
"""

from __future__ import annotations

import errno
import os
from typing import Any, Dict, Iterator, List, Optional

from storperf.agent import frames

_CHUNK = 1 << 18


class Journal:
    """Appends records; `last` is the number of the newest one, 0 when there is none."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.last = 0
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.recovered: List[Dict[str, Any]] = []
        self.was_damaged = False
        self._recover()

    def append(self, record: Dict[str, Any]) -> None:
        """Number and write one record; OSError when the disk is full, then nothing is written."""
        frame = frames.encode(frames.RECORD, {"n": self.last + 1, **record})
        size = os.fstat(self._fd).st_size
        try:
            is_whole = os.write(self._fd, frame) == len(frame)
        except OSError:
            os.ftruncate(self._fd, size)
            raise
        if not is_whole:
            os.ftruncate(self._fd, size)
            raise OSError(errno.ENOSPC, "the journal's file system is full", self.path)
        self.last += 1

    def time_of(self, number: int) -> Optional[float]:
        """The `t` of a record; None when it is not here."""
        reader = frames.FrameReader()
        for chunk in read_chunks(self.path, 0):
            for _kind, record in reader.feed(chunk):
                if record["n"] == number:
                    return record.get("t")
        return None

    def skip_to(self, number: int) -> None:
        """Count on behind a number that somebody else has seen."""
        self.last = max(self.last, number)

    def close(self) -> None:
        """Close the file; the records stay."""
        os.close(self._fd)

    def _recover(self) -> None:
        """Read what an earlier supervisor wrote; all but the intervals is kept in `recovered`."""
        reader = frames.FrameReader()
        try:
            for chunk in read_chunks(self.path, 0):
                for kind, record in reader.feed(chunk):
                    if kind == frames.RECORD:
                        self.last = record["n"]
                        if record["kind"] not in ("interval", "sensors", "probe"):
                            self.recovered.append(record)
        except (frames.FrameError, ValueError):
            self.was_damaged = True
        os.ftruncate(self._fd, reader.consumed_bytes)


def read_chunks(path: str, offset: int) -> Iterator[bytes]:
    """The bytes of a file from an offset to its present end."""
    with open(path, "rb") as source:
        source.seek(offset)
        while True:
            chunk = source.read(_CHUNK)
            if not chunk:
                return
            yield chunk


class JournalFollower:
    """Reads a growing journal for one client: frames after a record number, as bytes."""

    def __init__(self, path: str, after: int) -> None:
        self._source = open(path, "rb")  # noqa: SIM115 - lives as long as the client
        self._after = after
        self._skipping = after > 0
        self._reader = frames.FrameReader()
        self.is_at_end = False

    def read(self, limit: int) -> bytes:
        """Whole frames in the next `limit` bytes or so; `is_at_end` says whether that is all."""
        out: List[bytes] = []
        for _ in range(max(1, limit // _CHUNK)):
            chunk = self._source.read(_CHUNK)
            self.is_at_end = len(chunk) < _CHUNK
            if not chunk:
                break
            for kind, payload in self._reader.feed_raw(chunk):
                if self._skipping and frames.parse(payload)["n"] <= self._after:
                    continue
                self._skipping = False
                out.append(frames.wrap(kind, payload))
        return b"".join(out)

    def close(self) -> None:
        """Close the file."""
        self._source.close()
