"""Speaks the agent protocol over one channel: commands and replies, and the stream of records."""

from __future__ import annotations

import base64
import logging
import queue
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol

from storperf.agent import frames
from storperf.deadline import Deadline
from storperf.errors import (
    AgentLost,
    AgentRefused,
    InfrastructureError,
    StorperfError,
    TargetBusy,
    TargetRefused,
)
from storperf.remote.journal_copy import HEAD, JournalCopy

log = logging.getLogger(__name__)

PROTOCOL = 1
_QUEUED_RECORDS = 2000
_WAIT_S = 0.25


class Stream(Protocol):
    """Bytes both ways.  Opened by a remote, closed by the client."""

    def read(self) -> bytes:
        """Some bytes, blocking; empty when the other side is gone."""

    def write(self, content: bytes) -> None:
        """Send all of it; AgentLost when the other side is gone."""

    def last_words(self) -> str:
        """Why it ended, as far as the other side said."""

    def close(self) -> None:
        """End the channel; may be called twice."""


class AgentClient:
    """One agent.  Calls come from one thread; records are read by a thread of its own.

    Records are copied to `journal` before anything else sees them, each once and in order.
    """

    def __init__(self, name: str, stream: Stream, journal: JournalCopy) -> None:
        self.name = name
        self._stream = stream
        self._journal = journal
        self._number = 0
        self._replies: queue.Queue[frames.Message] = queue.Queue()
        # As they came: 200 agents send a record at the same instant, which are 20 MiB as objects.
        self._records: queue.Queue[bytes] = queue.Queue(maxsize=_QUEUED_RECORDS)
        self._pending: deque[bytes] = deque()
        self._lost: StorperfError | None = None
        self._unanswered_ping: int | None = None
        self._ping_until = Deadline.after(0.0)
        self._is_closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"agent {name}", daemon=True)
        self._thread.start()

    def call(self, command: str, deadline: Deadline, **arguments: Any) -> frames.Message:
        """The reply to a command; raises what the agent refused, AgentLost when it is gone."""
        self._number += 1
        message = {"id": self._number, "command": command, **arguments}
        self._stream.write(frames.encode(frames.COMMAND, message))
        while True:
            reply = self._next_reply(deadline, command)
            if reply["id"] == self._number:
                break
        if not reply["ok"]:
            raise _refusal(self.name, reply["error"])
        return reply

    def ping(self, deadline: Deadline) -> None:
        """Renew the lease without waiting for the answer: others are heard meanwhile.

        AgentLost when an earlier ping was not answered by its deadline.
        """
        if self._unanswered_ping is not None:
            if self._ping_until.is_over:
                raise AgentLost(f"{self.name} did not answer ping in time")
            return
        self._number += 1
        self._unanswered_ping, self._ping_until = self._number, deadline
        self._stream.write(frames.encode(frames.COMMAND, {"id": self._number, "command": "ping"}))

    def follow(self) -> int:
        """Start the stream of records behind what the journal copy holds; the newest's number.

        A host that crashed may have lost records that are here: it is told which one was the last,
        and of which attempts the end is not known.
        """
        reply = self.call(
            "follow",
            Deadline.after(30),
            after=self._journal.last,
            seen_s=self._journal.last_s,
            open=[list(attempt) for attempt in self._journal.open_attempts],
        )
        return int(reply["last"])

    def records(self, wait_s: float) -> Iterator[frames.Message]:
        """Records that have come; waits at most `wait_s` for the first of them."""
        while self._pending:
            yield frames.parse(self._pending.popleft())
        wait = wait_s
        while True:
            lost = self._lost  # asked first: what came before the loss is in the queue by now
            try:
                payload = self._records.get(timeout=wait) if wait else self._records.get_nowait()
            except queue.Empty:
                if lost is not None:
                    raise lost from None
                return
            yield frames.parse(payload)
            wait = 0.0

    def fetch(self, trial: str, attempt: int, target: int, which: str) -> Iterator[bytes]:
        """A trial's raw fio output (`json`) or messages (`log`), piece by piece."""
        offset = 0
        while True:
            reply = self.call(
                "fetch",
                Deadline.after(60),
                trial=trial,
                attempt=attempt,
                target=target,
                which=which,
                offset=offset,
            )
            if not reply["piece_bytes"]:
                return
            yield zlib.decompress(base64.b64decode(reply["piece"]))
            offset += reply["piece_bytes"]

    def close(self) -> None:
        """End the channel and its thread; the agent goes on."""
        self._is_closing.set()
        self._stream.close()
        self._thread.join(timeout=10)

    def _next_reply(self, deadline: Deadline, command: str) -> frames.Message:
        while True:
            self._make_room()
            try:
                return self._replies.get(timeout=min(_WAIT_S, deadline.remaining_s() or 0.001))
            except queue.Empty:
                if self._lost is not None:
                    raise self._lost from None
                if deadline.is_over:
                    raise AgentLost(f"{self.name} did not answer {command} in time") from None

    def _make_room(self) -> None:
        """Replies come behind records: take records in while waiting for one."""
        while True:
            try:
                self._pending.append(self._records.get_nowait())
            except queue.Empty:
                return

    def _read(self) -> None:
        reader = frames.FrameReader()
        try:
            while self._read_some(reader):
                pass  # nothing of what came is held meanwhile: there are 200 who wait so
            self._lost = AgentLost(f"{self.name} is gone: {self._stream.last_words()}")
        except StorperfError as error:
            self._lost = error
        except (OSError, ValueError, frames.FrameError) as error:
            self._lost = AgentLost(f"{self.name}: the channel broke: {error}")

    def _read_some(self, reader: frames.FrameReader) -> bool:
        """Take in what comes next; False when nothing comes any more."""
        chunk = self._stream.read()
        for kind, payload in reader.feed_raw(chunk):
            self._take(kind, payload)
        return bool(chunk)

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == frames.REPLY:
            message = frames.parse(payload)
            if message["id"] == self._unanswered_ping:
                self._unanswered_ping = None
            else:
                self._replies.put(message)
        elif kind == frames.RECORD and self._journal.take(_head(payload), payload):
            while not self._is_closing.is_set():
                try:
                    self._records.put(payload, timeout=_WAIT_S)
                except queue.Full:
                    continue
                return


def _head(payload: bytes) -> frames.Message:
    """What the journal copy asks of a record; the rest is not kept while it is written."""
    message = frames.parse(payload)
    return {name: message[name] for name in HEAD if name in message}


def _refusal(agent: str, error: frames.Message) -> StorperfError:
    """The manager's exception for the agent's word."""
    kinds: dict[str, type[StorperfError]] = {
        "refused": TargetRefused,
        "busy": TargetBusy,
        "no_space": InfrastructureError,
    }
    kind = kinds.get(str(error["code"]), AgentRefused)
    return kind(f"{agent}: {error['message']}", agent=agent, code=error["code"])
