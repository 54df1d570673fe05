"""One connected manager, seen from the supervisor."""

from __future__ import annotations

import socket
from typing import Any, Dict, Iterator, Optional

from storperf.agent import frames
from storperf.agent.journal import JournalFollower

_FULL_BYTES = 1 << 20
_CHUNK = 1 << 16


class Client:
    """Buffers between the loop and one socket; a slow reader stops being fed, not the loop."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.is_closed = False
        self._reader = frames.FrameReader()
        self._out = bytearray()
        self._follower: Optional[JournalFollower] = None

    @property
    def has_more(self) -> bool:
        """Whether bytes wait to be sent, here or in the journal."""
        is_behind = self._follower is not None and not self._follower.is_at_end
        return (bool(self._out) or is_behind) and not self.is_closed

    def receive(self) -> Iterator[Dict[str, Any]]:
        """Commands that have come."""
        try:
            chunk = self.connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.is_closed = True
            return
        if not chunk:
            self.is_closed = True
            return
        for kind, message in self._reader.feed(chunk):
            if kind == frames.COMMAND:
                yield message

    def reply(self, command: Dict[str, Any], answer: Dict[str, Any]) -> None:
        """Queue the answer to a command."""
        self._out += frames.encode(frames.REPLY, {"id": command.get("id"), **answer})

    def follow(self, path: str, after: int) -> None:
        """From now on feed this client the records behind number `after`."""
        follower = JournalFollower(path, after)
        if self._follower is not None:
            self._follower.close()
        self._follower = follower

    def fill(self) -> None:
        """Take records from the journal into the buffer, as far as there is room."""
        if self._follower is not None and len(self._out) < _FULL_BYTES:
            self._out += self._follower.read(_FULL_BYTES)

    def send(self) -> None:
        """Send what the socket takes."""
        while self._out and not self.is_closed:
            try:
                sent = self.connection.send(self._out[:_CHUNK])
            except BlockingIOError:
                return
            except OSError:
                self.is_closed = True
                return
            del self._out[:sent]

    def close(self) -> None:
        """Close the socket and the journal's reader."""
        self.connection.close()
        if self._follower is not None:
            self._follower.close()
