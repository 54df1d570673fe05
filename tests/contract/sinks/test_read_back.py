"""A read-back says complete only of what a server really has."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from storperf.deadline import Deadline
from storperf.sinks.points import Point
from storperf.sinks.read_back import Confirmation, read_back
from storperf.sinks.witness import Sent, Witness

BEGIN = 1_700_000_000


class Web:
    """Answers /render with what is in `points`, at `step_s` seconds a point."""

    def __init__(self):
        self.points = {}
        self.step_s = 1
        self.asked = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(self.path.partition("?")[2])

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def answer(self, text):
                form = parse_qs(text)
                web.asked.append(form["target"])
                body = json.dumps(web.render(form)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def render(self, form):
        first, last = int(form["from"][0]) + 1, int(form["until"][0])
        first -= first % self.step_s
        return [
            {
                "target": path,
                "datapoints": [
                    [self.points[path].get(second), second]
                    for second in range(first, last + 1, self.step_s)
                ],
            }
            for target in form["target"]
            for path in expand(target)
            if path in self.points
        ]

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def expand(target):
    found = re.fullmatch(r"(.*)\{(.*)\}", target)
    return [found[1] + name for name in found[2].split(",")] if found else [target]


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def sent(series=30, seconds=20):
    witness = Witness()
    for second in range(BEGIN, BEGIN + seconds):
        witness.see(Point(f"storperf.live.b{n % 4}.s{n}", 1.0, second) for n in range(series))
    return witness.series


def fill(web, series):
    web.points = {
        path: dict.fromkeys(range(each.first, each.last + 1), 1.0) for path, each in series.items()
    }


def test_what_is_all_there_is_complete(web):
    series = sent()
    fill(web, series)
    found = read_back(web.address, series, Deadline.after(10))
    assert (found.state, found.read, found.counted) == (Confirmation.COMPLETE, 30, 20)
    assert (found.missing, found.reason) == ((), None)
    # The series below one branch are one target.
    assert len(web.asked[0]) == 4


def test_a_missing_last_point_is_waited_for_and_then_named(web):
    series = sent()
    fill(web, series)
    del web.points["storperf.live.b3.s7"][BEGIN + 19]
    found = read_back(web.address, series, Deadline.after(2))
    assert (found.state, found.missing_series, found.read) == (Confirmation.MISSING, 1, 29)
    assert found.missing == (f"storperf.live.b3.s7: its last point, of {BEGIN + 19}",)
    assert len(web.asked) > 3


def test_a_point_that_comes_late_is_complete(web):
    series = sent()
    fill(web, series)
    late = web.points.pop("storperf.live.b1.s1")

    def come():
        web.points["storperf.live.b1.s1"] = late

    timer = threading.Timer(0.5, come)
    timer.start()
    found = read_back(web.address, series, Deadline.after(10))
    timer.join()
    assert found.state is Confirmation.COMPLETE


def test_a_gap_is_found_by_counting(web):
    series = sent(series=3)
    fill(web, series)
    del web.points["storperf.live.b0.s0"][BEGIN + 5]
    found = read_back(web.address, series, Deadline.after(10))
    assert found.state is Confirmation.MISSING
    assert found.missing == ("storperf.live.b0.s0: 19 of 20 points",)


def test_a_coarser_server_is_found(web):
    series = sent(series=2, seconds=180)
    web.step_s = 60
    web.points = {
        path: dict.fromkeys(range(BEGIN - 120, BEGIN + 240, 60), 1.0)
        | dict.fromkeys(range(BEGIN // 60 * 60, BEGIN + 240, 60), 1.0)
        for path in series
    }
    found = read_back(web.address, series, Deadline.after(10))
    assert found.state is Confirmation.MISSING
    assert "points, a point each 60 s" in found.missing[0]


def test_at_most_twenty_are_named(web):
    series = sent(series=300, seconds=2)
    found = read_back(web.address, series, Deadline.after(3))
    assert (found.missing_series, len(found.missing)) == (300, 20)


def test_without_graphite_web_nothing_is_confirmed():
    found = read_back(None, sent(), Deadline.after(1))
    assert (found.state, found.read) == (Confirmation.UNCONFIRMED, 0)
    assert "no address" in found.reason


def test_a_server_that_does_not_answer_confirms_nothing_and_takes_no_more_than_its_time():
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun_s = time.monotonic()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        found = read_back(address, sent(), Deadline.after(1))
        assert time.monotonic() - begun_s < 8
    assert (found.state, found.read) == (Confirmation.UNCONFIRMED, 0)
    assert "no answer" in found.reason


def test_nothing_sent_is_complete(web):
    assert read_back(web.address, {}, Deadline.after(1)).state is Confirmation.COMPLETE


def test_what_is_of_a_time_to_come_is_told_apart_from_what_is_missing(web):
    series = sent()
    fill(web, series)
    last = max(each.last for each in series.values())
    soon = {**series, "storperf.summary.later": Sent(last + 60, last + 60)}
    found = read_back(web.address, soon, Deadline.after(10), lambda: last + 1.0)
    assert found.state is Confirmation.COMPLETE
    assert (found.series, found.read, found.later) == (len(soon), len(series), 1)
    assert found.missing == ()
