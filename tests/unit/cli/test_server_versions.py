"""A command and a server of other releases notice it, whichever is the older one."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from storperf.cli.server import Server
from storperf.errors import UsageError
from storperf.version import mismatch, package_version

NOBODY = "nobody asks for it"


@contextmanager
def server_of_version(version):
    """A server that answers every request with nothing but its version."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404)
            self.send_header("storperf-version", version)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        answering = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        answering.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            answering.join()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("99.0.0", "update the command"),
        ("0.0.1", "have the server updated, or use a command of its version"),
        (package_version(), "is no storperf server"),
        ("", "is no storperf server"),
    ],
)
def test_an_answer_of_another_release_is_told_for_what_it_is(version, words):
    with server_of_version(version) as url, pytest.raises(UsageError, match=words):
        Server(url=url, token=NOBODY).get("runs")


@pytest.mark.parametrize(
    ("client", "server", "fits"),
    [
        ("1.2.3", "1.2.9", True),
        ("1.2.3", "1.2", True),
        ("1.2.3.dev4+gabc", "1.2.0rc1", True),
        ("1.2.3", "1.3.0", False),
        ("1.10.0", "1.9.0", False),
        ("1.1.0", "1.10.0", False),
        ("2.0.0", "1.0.0", False),
        ("1.2.3", "", True),
        ("1.2.3", "latest", True),
        ("9" * 400, "1.2.3", True),
    ],
)
def test_only_the_last_number_may_differ(client, server, fits):
    assert (mismatch(client=client, server=server) is None) == fits
