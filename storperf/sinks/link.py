"""One connection to Carbon, and the only acknowledgement that there is.

Carbon says nothing, but it closes a connection that was closed to it once it has read all of it.
A connection that ends so has delivered what it carried; one that ends otherwise has not.
"""

from __future__ import annotations

import select
import socket

# How long a receiver that reads something else as its own protocol may take to hang up.
_DOUBT_S = 0.03
_SHOWN = 40


class Link:
    """Opened when there is something to send; every method may raise OSError, then it is gone."""

    def __init__(self) -> None:
        self.opened = 0
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    def open(self, address: tuple[str, int], patience_s: float) -> None:
        """Connect."""
        try:
            self._socket = socket.create_connection(address, patience_s)
        except UnicodeError as error:
            raise ConnectionError(f"{address[0][:_SHOWN]!r} is no name of a host") from error
        self.opened += 1

    def send(self, message: bytes, patience_s: float) -> None:
        """Hand a message to the kernel; TimeoutError when the other end does not read on."""
        found = self._get()
        self._refuse_words(found, 0.0)
        found.settimeout(patience_s)
        found.sendall(message)

    def finish(self, patience_s: float) -> None:
        """Say that nothing more comes, and wait until the other end has read it all."""
        found = self._get()
        self._refuse_words(found, _DOUBT_S)
        found.settimeout(patience_s)
        found.shutdown(socket.SHUT_WR)
        words = found.recv(_SHOWN)
        if words:
            raise ConnectionError(f"it answers, which Carbon does not: {words!r}")
        self.drop()

    def drop(self) -> None:
        """Give the connection up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _get(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionError("there is no connection")
        return self._socket

    @staticmethod
    def _refuse_words(found: socket.socket, wait_s: float) -> None:
        """ConnectionError when the other end has closed first, or says something."""
        readable, _, _ = select.select((found,), (), (), wait_s)
        if not readable:
            return
        words = found.recv(_SHOWN)
        if words:
            raise ConnectionError(f"it answers, which Carbon does not: {words!r}")
        raise ConnectionError("it closed the connection")


def take_points(address: tuple[str, int], patience_s: float) -> None:
    """Find out whether the other end reads; OSError when it does not.

    The kernel accepts connections for a program that hangs, so accepting proves nothing.
    """
    link = Link()
    try:
        link.open(address, patience_s)
        link.finish(patience_s)
    finally:
        link.drop()
