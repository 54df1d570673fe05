"""A Graphite that answers is read as it means it; one that does not is named in plain words."""

from __future__ import annotations

import base64
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from storperf.errors import GraphiteError, UsageError
from storperf.sinks.graphite_web import GraphiteWeb


class Stub:
    """A web server that gives the same answer to everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.kind, self.body = 200, "application/json", b"[]"
        self.asked = []
        self.headers = {}


@pytest.fixture
def stub():
    said = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self, form=b""):
            address = urlsplit(self.path)
            query = parse_qs(address.query or form.decode())
            said.asked.append((self.command, address.path, query))
            said.headers = dict(self.headers)
            self.send_response(said.status)
            self.send_header("Content-Type", said.kind)
            self.end_headers()
            self.wfile.write(said.body)

        def do_POST(self):
            self.do_GET(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_arguments):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    said.port = server.server_port
    said.web = f"http://127.0.0.1:{server.server_port}/graphite/"
    yield said
    server.shutdown()
    thread.join()
    server.server_close()


def answer(stub, value):
    stub.body = json.dumps(value).encode()


def test_null_and_what_is_no_number_are_missing(stub):
    stub.body = b'[{"target": "a.b", "datapoints": [[null, 10], [1.5, 11], [1e9999, 12], [0, 13]]}]'
    (series,) = GraphiteWeb(stub.web).render(["a.b"], 10, 13)
    assert series.points == ((11, 1.5), (13, 0.0))
    assert series.resolution_s == 1


def test_both_ends_are_asked_for_although_graphite_leaves_from_out(stub):
    GraphiteWeb(stub.web).render(["a"], 100.5, 200.5)
    ((_, path, query),) = stub.asked
    assert path == "/graphite/render"
    assert (query["from"], query["until"]) == (["100"], ["200"])
    assert query["noCache"] == ["1"]


def test_points_outside_the_time_are_left_out(stub):
    answer(stub, [{"target": "a", "datapoints": [[1, 99], [2, 100], [3, 101]]}])
    (series,) = GraphiteWeb(stub.web).render(["a"], 100, 100)
    assert series.points == ((100, 2.0),)


def test_a_long_question_is_sent_as_a_form(stub):
    targets = [f"storperf.live.{'x' * 50}.{number}" for number in range(200)]
    GraphiteWeb(stub.web).render(targets, 1, 2)
    ((method, _, query),) = stub.asked
    assert (method, query["target"]) == ("POST", targets)


def test_series_are_found_level_by_level(stub):
    answer(stub, [{"path": "a.b", "is_leaf": True}, {"path": "a.c", "is_leaf": 1}])
    assert GraphiteWeb(stub.web).series_below("a") == ("a.b", "a.c")


def test_an_event_has_its_tags_and_its_facts(stub):
    answer(stub, [{"what": "w", "tags": "storperf run", "when": 5, "data": '{"run": 1}'}])
    (event,) = GraphiteWeb(stub.web).events(["storperf", "run"], 1, 9)
    assert (event.tags, event.at_s, event.text) == (("storperf", "run"), 5.0, '{"run": 1}')
    ((_, _, query),) = stub.asked
    assert (query["tags"], query["set"]) == (["storperf run"], ["intersection"])


def test_a_login_goes_into_a_header_and_into_no_message(stub):
    web = GraphiteWeb(f"http://me:p%40ss@127.0.0.1:{stub.port}")
    web.render(["a"], 1, 2)
    assert stub.headers["Authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    stub.status = 401
    with pytest.raises(GraphiteError, match="wants a login") as found:
        web.render(["a"], 1, 2)
    assert "ss@" not in found.value.message
    assert "p%40ss" not in found.value.message


@pytest.mark.parametrize(
    ("status", "kind", "body", "words"),
    [
        (200, "text/html", b"<html>Please log in</html>", "text/html where JSON was asked for"),
        (200, "application/json", b'[{"target": "a", "data', "where JSON was asked for"),
        (200, "application/json", b'{"status": "error"}', "something else than series"),
        (200, "application/json", b'[{"target": "a"}]', "something else than series"),
        (404, "text/html", b"", "is not there"),
        (403, "text/html", b"", "other rights"),
        (400, "text/plain", b"Invalid target", "400 Bad Request: Invalid target"),
        (500, "text/html", b"<style>b{}</style><h1>Oh\n</h1>no", "500 Internal Server Error: Oh"),
    ],
)
def test_an_answer_that_is_none_is_said_in_plain_words(stub, status, kind, body, words):
    stub.status, stub.kind, stub.body = status, kind, body
    with pytest.raises(GraphiteError, match=words) as found:
        GraphiteWeb(stub.web).render(["a"], 1, 2)
    assert f"127.0.0.1:{stub.port}/graphite/render" in found.value.message


def test_a_server_that_is_not_there_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        GraphiteError, match=f"127.0.0.1:{port}/render cannot be reached: .*refused"
    ):
        GraphiteWeb(f"http://127.0.0.1:{port}").render(["a"], 1, 2)


def test_a_server_that_hangs_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as server:
        web = GraphiteWeb(f"http://127.0.0.1:{server.getsockname()[1]}", patience_s=0.2)
        with pytest.raises(GraphiteError, match=r"no answer within 0\.2 s"):
            web.render(["a"], 1, 2)


@pytest.mark.parametrize(
    "web", ["", "graphite.example.org", "ftp://host", "http://", "http://h:x", "file:///etc/passwd"]
)
def test_what_is_no_address_is_refused(web):
    with pytest.raises(UsageError, match="no address"):
        GraphiteWeb(web)
