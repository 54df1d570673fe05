"""The manager's copy of an agent's journal: what a resumed run continues from."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from storperf.agent import frames
from storperf.errors import AgentLost, StoreError

# What is asked of a record here; the rest goes by.
HEAD = ("n", "t", "kind", "trial", "attempt", "what")

_CHUNK = 1 << 18


class JournalCopy:
    """Appends each record once and in order; `last` is the newest number, 0 for none.

    `last_s` is the newest's time on the agent's clock; `open_attempts` are trial, attempt and
    what of those whose end is not here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = 0
        self.last_s: float | None = None
        self.open_attempts: list[tuple[str, int, str]] = []
        self._size = 0
        self._starts: dict[tuple[str, int], int] = {}
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._recover()
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}", path=str(path)) from error

    def take(self, record: frames.Message, payload: bytes | None = None) -> bool:
        """Append a record; False when it is here already, AgentLost when one before is missing.

        `payload` is the record as it came, which need not be made again; then its `HEAD` will do.
        """
        number = record["n"]
        if number <= self.last:
            return False
        if number != self.last + 1:
            raise AgentLost(
                f"the agent's journal lost records: {self.last + 1} to {number - 1} are missing"
            )
        try:
            frame = frames.wrap(frames.RECORD, payload or frames.payload_of(record))
            if os.write(self._fd, frame) != len(frame):
                raise StoreError(f"no space for {self.path}")
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error
        self._remember(record, self._size)
        self._size += len(frame)
        self.last = number
        return True

    def records(self, offset: int = 0) -> Iterator[frames.Message]:
        """Every whole record from a byte offset on, oldest first."""
        reader = frames.FrameReader()
        with self.path.open("rb") as source:
            source.seek(offset)
            while chunk := source.read(_CHUNK):
                for _, record in reader.feed(chunk):
                    yield record

    def since(self, trial: str, attempt: int) -> Iterator[frames.Message]:
        """Every record from the first one of an attempt of a trial; none when it has none."""
        start = self._starts.get((trial, attempt))
        if start is not None:
            yield from self.records(start)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _remember(self, record: frames.Message, offset: int) -> None:
        self.last_s = record.get("t")
        if "trial" not in record:
            return
        self._starts.setdefault((record["trial"], record["attempt"]), offset)
        if record["kind"] in {"trial_held", "trial_started", "trial_ended"}:
            attempt = (record["trial"], record["attempt"], record.get("what", ""))
            self.open_attempts = [each for each in self.open_attempts if each != attempt]
            if record["kind"] != "trial_ended":
                self.open_attempts.append(attempt)

    def _recover(self) -> None:
        """Read what is there; a torn end is cut off and comes again from the agent."""
        reader = frames.FrameReader()
        begin = 0
        with self.path.open("rb") as source, contextlib.suppress(frames.FrameError, ValueError):
            while chunk := source.read(_CHUNK):
                for _, record in reader.feed(chunk):
                    self.last = record["n"]
                    self._remember(record, begin)
                    begin = reader.consumed_bytes
        self._size = begin
        os.ftruncate(self._fd, self._size)
