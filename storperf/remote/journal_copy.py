"""The manager's copy of an agent's journal: what a resumed run continues from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from storperf.agent import frames
from storperf.errors import AgentLost, StoreError

_CHUNK = 1 << 18


class JournalCopy:
    """Appends each record once and in order; `last` is the newest number, 0 for none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._recover()
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", path=str(path)) from error

    def take(self, record: frames.Message) -> bool:
        """Append a record; False when it is here already, AgentLost when one before is missing."""
        number = record["n"]
        if number <= self.last:
            return False
        if number != self.last + 1:
            raise AgentLost(
                f"the agent's journal lost records: {self.last + 1} to {number - 1} are missing"
            )
        try:
            frame = frames.encode(frames.RECORD, record)
            if os.write(self._fd, frame) != len(frame):
                raise StoreError(f"no space for {self.path}")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
        self.last = number
        return True

    def records(self) -> Iterator[frames.Message]:
        """Every record, oldest first."""
        reader = frames.FrameReader()
        with self.path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                for _, record in reader.feed(chunk):
                    yield record

    def of_attempt(self, trial: str, attempt: int) -> Iterator[frames.Message]:
        """The records of one attempt of one trial."""
        for record in self.records():
            if record.get("trial") == trial and record.get("attempt") == attempt:
                yield record

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _recover(self) -> None:
        reader = frames.FrameReader()
        with self.path.open("rb") as source:
            try:
                while chunk := source.read(_CHUNK):
                    for _, record in reader.feed(chunk):
                        self.last = record["n"]
            except (frames.FrameError, ValueError):
                pass  # what follows a torn frame comes again from the agent
        os.ftruncate(self._fd, reader.consumed_bytes)
