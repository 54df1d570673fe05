"""Points from a spool to Carbon, over one connection at a time, in a thread.

Whoever fills the spool never waits: a Carbon that is absent, hangs, never reads or dies costs
neither time nor points, as far as the spool has room.
"""

from __future__ import annotations

import logging
import pickle
import secrets
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from storperf.deadline import Deadline
from storperf.model.job import Graphite
from storperf.sinks.backlog import Backlog
from storperf.sinks.entries import Row, rows_of
from storperf.sinks.lines import LineBuilder
from storperf.sinks.link import Link, take_points
from storperf.sinks.witness import Witness

log = logging.getLogger(__name__)

_IDLE_S = 0.2
# For one message, or one acknowledgement; a Carbon with 4 MB in its buffers reads 2 s on.
_PATIENCE_S = 5.0
# A connection is ended that often, to hear that it was read.
_CYCLE_S = 30.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_PAUSE_AT_THE_END_S = 0.05
_STOP_S = 0.5
# A Carbon that was started again refuses once, on the connection that it no longer knows.
_TRIES_AT_THE_END = 2
_BULK_BYTES = 4 << 20
# carbon reads no more than 1 MB as one pickle; 500 is what its own relay sends.
_PICKLED = 500
_LENGTH = struct.Struct("!L")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonCount:
    """What became of the points.  `offered` is the sum of the five that follow.

    `confirmed` were read by Carbon; `unconfirmed` left, but were not heard to be read; `waiting`
    never left; `thinned` became part of points of ten seconds; `dropped` are lost.  Those
    that are unconfirmed or waiting are still in the spool.  `in_memory` were in no file.
    """

    offered: int
    confirmed: int
    unconfirmed: int
    waiting: int
    thinned: int
    dropped: int
    in_memory: int
    damaged: int
    reconnects: int
    last_error: str | None


class CarbonSender:
    """Sends what a backlog gives; every public method is called from another thread."""

    def __init__(self, address: Graphite, backlog: Backlog, witness: Witness) -> None:
        self.last_error: str | None = None
        self.losses = 0
        self._address = address
        self._backlog = backlog
        self._witness = witness
        self._lines = LineBuilder()
        self._link = Link()
        self._is_pickled = False
        self._cycle = Deadline.after(float("inf"))
        self._end = Deadline.after(float("inf"))
        self._failures = 0
        self._is_flushed = False
        self._wake = threading.Event()
        self._flushing = threading.Event()
        self._answered = threading.Event()
        self._again = threading.Event()
        self._stopping = threading.Event()
        name = f"carbon-{address.host}-{address.port}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new."""
        self._wake.set()

    def flush(self, deadline: Deadline) -> bool:
        """Send all there is, and hear that it was read; False when that was not to be had."""
        self._end = deadline
        self._answered.clear()
        self._is_flushed = False
        self._flushing.set()
        self._wake.set()
        # A little longer than the thread itself waits, so that it can say why it failed.
        self._answered.wait(deadline.remaining_s() + _IDLE_S)
        self._flushing.clear()
        return self._is_flushed

    def resend(self) -> None:
        """Send what is kept once more, with the next `flush`."""
        self._again.set()

    def stop(self) -> bool:
        """End the thread; False when it cannot be ended yet, and has the backlog."""
        self._end = Deadline.after(0)
        self._stopping.set()
        self._wake.set()
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            # Only a name server that does not answer holds it that long; it ends by itself.
            log.warning("Carbon's thread is still busy: %s", self.last_error)
        return not self._thread.is_alive()

    # --- in the thread ---------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Looked at first: what is put, or to be sent again, before a flush goes with it.
            is_asked = self._flushing.is_set()
            if self._again.is_set():
                self._again.clear()
                self._backlog.rewind()
            try:
                has_sent = self._send_next()
                if not has_sent and is_asked:
                    self._end_connection()
            except OSError as error:
                self._note_failure(error)
                self._pause()
                continue
            if not has_sent:
                self._rest(is_asked=is_asked)
        self._link.drop()

    def _send_next(self) -> bool:
        """Send the next entries; False when there are none."""
        if self._cycle.is_over:
            self._confirm()
        entries = self._backlog.next()
        if not entries:
            return False
        if not self._link.is_open:
            if self._failures:
                # One that hangs would take as much as the kernel has room for, again and again.
                take_points(self._receiver(), self._patience_s())
            self._is_pickled = bool(self._address.pickle_port) and self._is_bulk()
            self._link.open(self._receiver(), self._patience_s())
            self._cycle = Deadline.after(_CYCLE_S)
        points = [row for entry in entries for row in rows_of(entry)]
        self._link.send(self._message(points), self._patience_s())
        self._failures = 0
        self._backlog.mark_sent(len(points))
        self._witness.see(points)
        return True

    def _end_connection(self) -> None:
        """Nothing is left to send, and somebody waits to hear that all was read."""
        if self._link.is_open:
            self._confirm()

    def _confirm(self) -> None:
        self._link.finish(self._patience_s())
        self._cycle = Deadline.after(float("inf"))
        self._backlog.confirm()

    def _rest(self, *, is_asked: bool) -> None:
        """Tell who waits that all was sent, then wait for something new."""
        if is_asked:
            self._is_flushed = True
            self._answered.set()
            self._flushing.clear()
        self._wake.wait(_IDLE_S)
        self._wake.clear()

    def _message(self, points: Sequence[Row]) -> bytes:
        if not self._is_pickled:
            return self._lines.build(points)
        parts = []
        for first in range(0, len(points), _PICKLED):
            some = points[first : first + _PICKLED]
            batch = [(path, (second, value)) for path, value, second in some]
            pickled = pickle.dumps(batch, protocol=2)
            parts += [_LENGTH.pack(len(pickled)), pickled]
        return b"".join(parts)

    def _is_bulk(self) -> bool:
        return self._backlog.ahead_bytes > _BULK_BYTES

    def _receiver(self) -> tuple[str, int]:
        port = self._address.pickle_port if self._is_pickled else self._address.port
        return self._address.host, port or self._address.port

    def _note_failure(self, error: OSError) -> None:
        self._link.drop()
        self._cycle = Deadline.after(float("inf"))
        self._backlog.rewind()
        self._failures += 1
        self.losses += self._failures == 1
        reason = error.strerror or str(error) or type(error).__name__
        host, port = self._receiver()
        if self.last_error is None:
            log.warning("Graphite does not take points, the run goes on: %s:%s", host, reason)
        self.last_error = f"{host}:{port}: {reason}"

    def _pause(self) -> None:
        """Wait before the next try; exponential, with jitter, so that managers do not flock."""
        if self._flushing.is_set():
            if self._failures >= _TRIES_AT_THE_END:
                self._answered.set()
                self._flushing.clear()
            self._stopping.wait(_PAUSE_AT_THE_END_S)
            return
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._failures, 10))
        pause = Deadline.after(longest * secrets.SystemRandom().uniform(0.5, 1.0))
        while not (pause.is_over or self._stopping.is_set() or self._flushing.is_set()):
            self._stopping.wait(min(_IDLE_S, pause.remaining_s()))

    def _patience_s(self) -> float:
        """Seconds for the next thing with the network; a socket takes 0 for no waiting at all."""
        return max(0.05, min(_PATIENCE_S, self._end.remaining_s()))
