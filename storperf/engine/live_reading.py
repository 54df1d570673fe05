"""Reads what a run's manager writes for those who look on (engine/live_feed.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from storperf.model.live import LiveRecord

_PIECE_BYTES = 1 << 20


class FeedReader:
    """Reads on from a number; the file need not be there yet, and grows meanwhile."""

    def __init__(self, path: Path, after: int = 0) -> None:
        self._path = path
        self._after = after
        self._number = 0
        self._offset = 0

    def read(self) -> Iterator[LiveRecord]:
        """The whole records since the last call; a torn one waits until it is whole."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            while piece := os.pread(fd, _PIECE_BYTES, self._offset):
                whole, end, _ = piece.rpartition(b"\n")
                if not end:
                    return
                self._offset += len(whole) + 1
                for line in whole.split(b"\n"):
                    self._number += 1
                    if self._number > self._after:
                        yield LiveRecord(number=self._number, text=line.decode("utf-8", "replace"))
        finally:
            os.close(fd)
