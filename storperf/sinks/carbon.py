"""Points to Carbon's plaintext port, over one connection, behind a bounded queue.

Whoever gives points never waits: a Carbon that is absent, hangs, never reads or dies costs points
and no time, and every point is counted.  Carbon acknowledges nothing, but it closes a connection
once it has read all of it; a connection that ends so has delivered what it carried.
"""

from __future__ import annotations

import logging
import queue
import secrets
import select
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import graphyte

from storperf.deadline import Deadline
from storperf.sinks.points import Point

log = logging.getLogger(__name__)

# 200,000 points are about 40 MB, and ten minutes of three hundred series.
CAPACITY = 200_000
_BATCH = 1000
_IDLE_S = 0.2
# Longer than any healthy Carbon needs for a batch, shorter than the bound on a run's flush.
_PATIENCE_S = 2.0
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonCount:
    """What became of the points.  `offered` is the sum of the three others.

    `confirmed` were read by Carbon; `unconfirmed` were on a connection that broke or hung
    afterwards; `dropped` never left.
    """

    offered: int
    confirmed: int
    unconfirmed: int
    dropped: int
    reconnects: int
    last_error: str | None


class CarbonSender:
    """One thread that sends; `put` and `close` are called from another one."""

    def __init__(self, host: str, port: int, capacity: int = CAPACITY) -> None:
        self._address = (host, port)
        self._messages = graphyte.Sender(host, port)
        self._queue: queue.Queue[Point] = queue.Queue(capacity)
        self._offered = 0
        self._closing = threading.Event()
        self._end = Deadline.after(float("inf"))
        self._link = _Link()
        self._pending: tuple[Point, ...] = ()
        self._failures = 0
        self._is_known_bad = False
        self._last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"carbon-{host}-{port}", daemon=True)
        self._thread.start()

    def put(self, points: Iterable[Point]) -> None:
        """Take points; those for which there is no room are lost, and counted."""
        for point in points:
            self._offered += 1
            try:
                self._queue.put_nowait(point)
            except queue.Full:
                self._last_error = self._last_error or "the queue is full"

    def close(self, deadline: Deadline) -> CarbonCount:
        """Send what is left until the deadline; what became of everything.

        A second call does nothing and gives the same answer.
        """
        self._end = deadline
        self._closing.set()
        self._thread.join(deadline.remaining_s() + _IDLE_S)
        if self._thread.is_alive():
            # Only a name server that does not answer holds it that long; it ends by itself.
            log.warning("Carbon's thread is still busy: %s", self._last_error)
        confirmed, unconfirmed = self._link.confirmed, self._link.unconfirmed
        return CarbonCount(
            offered=self._offered,
            confirmed=confirmed,
            unconfirmed=unconfirmed,
            dropped=self._offered - confirmed - unconfirmed,
            reconnects=max(0, self._link.opened - 1),
            last_error=self._last_error,
        )

    # --- in the thread ---------------------------------------------------------------

    def _run(self) -> None:
        while self._work():
            pass
        self._finish()

    def _work(self) -> bool:
        """Send a batch, or fail to; False when it is time to end."""
        self._pending = self._pending or self._next_batch()
        if not self._pending:
            return not self._closing.is_set()
        if self._deliver():
            return not (self._closing.is_set() and self._end.is_over)
        if self._closing.is_set():
            return False
        self._closing.wait(self._pause_s())
        return True

    def _next_batch(self) -> tuple[Point, ...]:
        batch = []
        try:
            batch.append(self._queue.get(timeout=0 if self._closing.is_set() else _IDLE_S))
            while len(batch) < _BATCH:
                batch.append(self._queue.get_nowait())
        except queue.Empty:
            return tuple(batch)
        return tuple(batch)

    def _deliver(self) -> bool:
        try:
            if self._link.is_cut():
                self._pending = self._link.drop(is_clean=True) + self._pending
            self._link.open(self._address, self._patience_s())
            message = b"".join(
                self._messages.build_message(path, value, second)
                for path, value, second in self._pending
            )
            self._link.send(message, self._pending, self._patience_s())
        except OSError as error:
            self._pending = self._link.drop(is_clean=False) + self._pending
            self._note_failure(error)
            return False
        self._pending = ()
        self._failures = 0
        return True

    def _finish(self) -> None:
        """Hear that everything was read, as far as there is time."""
        try:
            if self._link.is_cut():
                self._pending = self._link.drop(is_clean=True)
                self._deliver()
            self._link.finish(self._patience_s())
        except OSError as error:
            self._note_failure(error)
            self._link.drop(is_clean=False, is_last=True)

    def _note_failure(self, error: OSError) -> None:
        self._failures += 1
        reason = error.strerror or str(error) or type(error).__name__
        host, port = self._address
        self._last_error = f"{host}:{port}: {reason}"
        if not self._is_known_bad:
            self._is_known_bad = True
            log.warning("Graphite does not take points, the run goes on: %s", self._last_error)

    def _patience_s(self) -> float:
        """Seconds for the next thing with the network; a socket takes 0 for no waiting at all."""
        return max(0.05, min(_PATIENCE_S, self._end.remaining_s()))

    def _pause_s(self) -> float:
        """Exponential, with jitter, so that many managers do not come back all at once."""
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self._failures, 10))
        return longest * secrets.SystemRandom().uniform(0.5, 1.0)


class _Link:
    """A connection and what it carried.

    What was sent just before the other end closed may have met a closed door, so the last batch is
    given back by `drop`, to be sent again; a double does no harm.
    """

    def __init__(self) -> None:
        self.confirmed = 0
        self.unconfirmed = 0
        self.opened = 0
        self._socket: socket.socket | None = None
        self._carried = 0
        self._last: tuple[Point, ...] = ()

    def open(self, address: tuple[str, int], patience_s: float) -> None:
        """Connect, unless there is a connection."""
        if self._socket is None:
            self._socket = socket.create_connection(address, patience_s)
            self.opened += 1

    def send(self, message: bytes, batch: tuple[Point, ...], patience_s: float) -> None:
        """Hand a batch to the kernel; OSError when that takes too long."""
        if self._socket is None:
            raise ConnectionError("there is no connection")
        self._socket.settimeout(patience_s)
        self._socket.sendall(message)
        self._carried += len(self._last)
        self._last = batch

    def is_cut(self) -> bool:
        """Whether the other end has closed; OSError when it did so with points unread."""
        if self._socket is None:
            return False
        readable, _, _ = select.select((self._socket,), (), (), 0)
        return bool(readable) and not self._socket.recv(4096)

    def drop(self, *, is_clean: bool, is_last: bool = False) -> tuple[Point, ...]:
        """Give the connection up; the batch that is to be sent again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        again, self._last = self._last, ()
        if is_last:
            self._carried += len(again)
        if is_clean:
            self.confirmed += self._carried
        else:
            self.unconfirmed += self._carried
        self._carried = 0
        return again

    def finish(self, patience_s: float) -> None:
        """Say that nothing more comes and wait until the other end has read it all."""
        if self._socket is None:
            return
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(patience_s)
        while self._socket.recv(4096):
            continue
        self.drop(is_clean=True, is_last=True)
