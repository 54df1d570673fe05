"""Events reach a graphite-web that answers; any other one costs events and no time."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from storperf.deadline import Deadline
from storperf.sinks.events import EventSender, Happening, render_tag

HAPPENING = Happening(
    what="run ended", tags=("storperf", "run"), at_s=1700000000.7, facts={"exit_code": 3}
)


@pytest.fixture
def web():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if b"refused" in got[-1][1] else 200)
            self.end_headers()

        def log_message(self, *_arguments):
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_event_arrives_with_its_facts(web):
    address, got = web
    sender = EventSender(f"{address}/graphite/")
    sender.put(HAPPENING)
    count = sender.close(Deadline.after(3))
    ((path, body),) = got
    assert path == "/graphite/events/"
    assert json.loads(body) == {
        "what": "run ended",
        "tags": ["storperf", "run"],
        "when": 1700000000,
        "data": '{"exit_code": 3}',
    }
    assert (count.offered, count.sent, count.last_error) == (1, 1, None)


def test_a_refused_event_is_counted_and_the_next_one_sent(web):
    sender = EventSender(web[0])
    sender.put(Happening(what="refused", tags=(), at_s=1, facts={}))
    sender.put(HAPPENING)
    count = sender.close(Deadline.after(3))
    assert (count.offered, count.sent) == (2, 1)
    assert "500" in count.last_error


def test_an_absent_web_server_is_counted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    sender = EventSender(f"http://127.0.0.1:{port}")
    sender.put(HAPPENING)
    count = sender.close(Deadline.after(3))
    assert (count.sent, "refused" in count.last_error) == (0, True)


def test_a_web_server_that_hangs_delays_nothing_beyond_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = EventSender(f"http://127.0.0.1:{server.getsockname()[1]}")
        for _ in range(50):
            sender.put(HAPPENING)
        started_s = time.monotonic()
        count = sender.close(Deadline.after(1))
        assert time.monotonic() - started_s < 2
        assert count.sent == 0
        with contextlib.suppress(OSError):
            server.close()
    # The one that was being sent when the deadline came ends by itself, within its own patience.
    sender._thread.join(5)
    assert not sender._thread.is_alive()


@pytest.mark.parametrize("name", ["job-my job", "job-" + "x" * 300, "job-" + "ü" * 300])
def test_a_tag_is_short_and_has_no_blank(name):
    tag = render_tag(name)
    assert len(tag) <= 50
    assert not set(tag) & set(" .,")
    assert tag != render_tag(name + "x")
