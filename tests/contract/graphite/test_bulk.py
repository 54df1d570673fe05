"""Bulk points reach Carbon whole, or it is said that they did not."""

from __future__ import annotations

import socket
import threading

import pytest

from storperf.errors import GraphiteError
from storperf.sinks.bulk import send_points
from storperf.sinks.points import Point


@pytest.fixture
def carbon():
    """Reads one connection to its end."""
    server = socket.create_server(("127.0.0.1", 0))
    got = []

    def serve():
        link, _ = server.accept()
        with link, link.makefile("rb") as lines:
            got.extend(lines)

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], got
    thread.join(10)
    server.close()


def test_every_point_is_a_line(carbon):
    port, got = carbon
    points = [Point(f"a.b{number}", number, 1_700_000_000) for number in range(2500)]
    assert send_points("127.0.0.1", port, iter(points)) == 2500
    assert len(got) == 2500
    assert got[7] == b"a.b7 7 1700000000\n"


def test_a_carbon_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(GraphiteError, match=rf"Carbon at 127\.0\.0\.1:{port} does not take points"):
        send_points("127.0.0.1", port, [Point("a", 1, 1)])
