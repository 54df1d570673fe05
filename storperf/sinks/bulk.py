"""Many points to Carbon at once, waiting for as long as it takes to read them."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from storperf.errors import GraphiteError
from storperf.sinks.lines import LineBuilder
from storperf.sinks.points import Point

_BATCH = 1000
# Carbon stops reading while its cache is full; a healthy one goes on within seconds.
_PATIENCE_S = 60.0


def send_points(host: str, port: int, points: Iterable[Point]) -> int:
    """Send points over one connection and wait until Carbon has read them; how many they were.

    GraphiteError when it is not there, stops reading, or breaks off.
    """
    lines = LineBuilder()
    count = 0
    left = iter(points)
    with _told(host, port), socket.create_connection((host, port), _PATIENCE_S) as link:
        while batch := list(islice(left, _BATCH)):
            link.sendall(lines.build(batch))
            count += len(batch)
        link.shutdown(socket.SHUT_WR)
        # Carbon closes a connection that it has read to its end.
        while link.recv(4096):
            continue
    return count


@contextmanager
def _told(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise GraphiteError(f"Carbon at {host}:{port} does not take points: {reason}") from error
