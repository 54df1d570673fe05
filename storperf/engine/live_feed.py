"""What happens in a run, written down as it happens, for any process that looks on.

`live.jsonl` in the run's folder has a JSON object a line: its `number` (that of the line, from 1),
`at_s` (epoch seconds), `kind` (an event's, see engine/events.py) and the event's facts.
Intervals are summed over all agents, one record a second of a trial: a run of ten hours is some
10 MB, however many agents it has.
"""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from storperf.engine.events import Event, EventKind
from storperf.engine.live_slices import LiveSlices
from storperf.store.retention import LIVE

log = logging.getLogger(__name__)

FEED_FILE = LIVE
# From then on there is a record every ten seconds: a trial may last seven days.
_LARGE_BYTES = 12 << 20
_WIDTH_S, _WIDE_S = 1.0, 10.0
_LONGEST_TEXT = 2000
# How often what is filled is told.
_PROGRESS_S = 1.0


class LiveFeed:
    """A listener that writes; used inside `with`, by the one manager of the run.

    After a resume it goes on where the file ends.  A feed that cannot be written is told once in
    the log and is no fault of the run.
    """

    def __init__(self, path: Path, interval_s: float, epoch: Callable[[], float]) -> None:
        self._path = path
        self._interval_s = interval_s
        self._epoch = epoch
        self._fd: int | None = None
        self._number = 0
        self._size = 0
        self._slices: LiveSlices | None = None
        self._trial: dict[str, object] = {}
        self._width_s = _WIDTH_S
        self._progress_s = 0.0

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._number, self._size = _mend(self._fd)
        except OSError as error:
            self._give_up(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def listen(self, event: Event) -> None:
        """Take an event; called by the engine."""
        if event.kind is EventKind.INTERVAL:
            self._hear(event.facts)
            return
        if event.kind is EventKind.TRIAL_ENDED:
            self._end_slices()
        if event.kind is EventKind.PROGRESS and "done_bytes" in event.facts:
            if self._epoch() < self._progress_s + _PROGRESS_S:
                return
            self._progress_s = self._epoch()
        self._write(event.kind, event.facts)

    def _hear(self, facts: dict[str, object]) -> None:
        of = {"trial": facts["trial"], "step": facts["step"]}
        width_s = _WIDTH_S if self._size < _LARGE_BYTES else _WIDE_S
        if (of, width_s) != (self._trial, self._width_s):
            self._end_slices()
        if self._slices is None:
            self._slices = LiveSlices(self._interval_s, width_s)
            self._trial, self._width_s = of, width_s
        for told in self._slices.add(facts):
            self._write(EventKind.INTERVAL, {**of, **told})

    def _end_slices(self) -> None:
        if self._slices is not None:
            for told in self._slices.rest():
                self._write(EventKind.INTERVAL, {**self._trial, **told})
        self._slices = None

    def _write(self, kind: EventKind, facts: dict[str, object]) -> None:
        if self._fd is None:
            return
        record = {
            "number": self._number + 1,
            "at_s": round(self._epoch(), 3),
            "kind": kind.value,
            **{name: _short(value) for name, value in facts.items()},
        }
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            written = os.pwrite(self._fd, line, self._size)
        except OSError as error:
            self._give_up(error)
            return
        if written < len(line):
            self._give_up(OSError(errno.ENOSPC, "the disk is full"))
            return
        self._number += 1
        self._size += len(line)

    def _give_up(self, error: OSError) -> None:
        log.warning("nobody can look on: cannot write %s: %s", self._path, error.strerror)
        self.__exit__(None, None, None)


def _mend(fd: int) -> tuple[int, int]:
    """How many whole lines a feed has, and their bytes; what a killed manager left torn goes."""
    number = size = offset = 0
    while piece := os.pread(fd, 1 << 20, offset):
        number += piece.count(b"\n")
        if b"\n" in piece:
            size = offset + piece.rindex(b"\n") + 1
        offset += len(piece)
    os.ftruncate(fd, size)
    return number, size


def _short(value: object) -> object:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value
