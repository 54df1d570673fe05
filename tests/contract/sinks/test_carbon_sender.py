"""Points reach a Carbon that reads; one that does anything else costs points and no time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

import pytest

from storperf.deadline import Deadline
from storperf.sinks.carbon import CarbonSender
from storperf.sinks.points import Point

FLUSH_S = 3.0
RESET = struct.pack("ii", 1, 0)


def points(count, first=0):
    return [
        Point(f"storperf.live.p{n % 7}", float(n), 1_700_000_000 + n)
        for n in range(first, first + count)
    ]


def lines_of(some):
    return {f"{path} {value} {second}" for path, value, second in some}


class Carbon:
    """Listens; `serve` is called with each connection, in a thread."""

    def __init__(self, serve, port=0):
        self._server = socket.create_server(("127.0.0.1", port))
        self._serve = serve
        self.port = self._server.getsockname()[1]
        self.received = []
        self.connections = 0
        self._open = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            with contextlib.suppress(OSError):
                self._serve(self, connection)

    def close(self):
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


def reads(carbon, connection):
    with connection, connection.makefile("r", encoding="utf-8") as text:
        for line in text:
            carbon.received.append(line.rstrip("\n"))


def never_reads(carbon, connection):
    return


def resets(carbon, connection):
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()


@pytest.fixture
def carbon():
    with contextlib.ExitStack() as stack:

        def make(serve, port=0):
            made = Carbon(serve, port)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def sender():
    made = []

    def make(port, **settings):
        made.append(CarbonSender("127.0.0.1", port, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close(Deadline.after(0))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_until(condition, patience_s=10):
    deadline = Deadline.after(patience_s)
    while not condition():
        assert not deadline.is_over
        threading.Event().wait(0.01)


def timed(call):
    started_s = time.monotonic()
    result = call()
    return result, time.monotonic() - started_s


def test_every_point_arrives_over_one_connection(carbon, sender):
    server = carbon(reads)
    sending = sender(server.port)
    given = points(5000)
    for number in range(0, 5000, 100):
        sending.put(given[number : number + 100])
    count = sending.close(Deadline.after(FLUSH_S))
    assert set(server.received) == lines_of(given)
    assert server.connections == 1
    assert (count.offered, count.confirmed, count.dropped) == (5000, 5000, 0)
    assert count.last_error is None


def test_nothing_to_send_is_complete(sender):
    count = sender(free_port()).close(Deadline.after(FLUSH_S))
    assert (count.offered, count.confirmed, count.last_error) == (0, 0, None)


def test_an_absent_carbon_costs_every_point_and_no_time(sender):
    sending = sender(free_port())
    _, put_s = timed(lambda: sending.put(points(10_000)))
    count, close_s = timed(lambda: sending.close(Deadline.after(FLUSH_S)))
    assert put_s < 1
    assert close_s < FLUSH_S + 0.5
    assert (count.confirmed, count.dropped) == (0, 10_000)
    assert "refused" in count.last_error


def test_a_carbon_that_never_reads_costs_no_more_than_the_flush(carbon, sender):
    server = carbon(never_reads)
    sending = sender(server.port)
    _, put_s = timed(lambda: sending.put(points(150_000)))
    count, close_s = timed(lambda: sending.close(Deadline.after(FLUSH_S)))
    assert put_s < 3
    assert close_s < FLUSH_S + 0.5
    assert count.confirmed == 0
    assert count.unconfirmed + count.dropped == 150_000
    assert count.last_error


def test_few_points_to_a_carbon_that_never_reads_are_not_called_confirmed(carbon, sender):
    sending = sender(carbon(never_reads).port)
    sending.put(points(10))
    count = sending.close(Deadline.after(1))
    assert (count.confirmed, count.unconfirmed, count.dropped) == (0, 10, 0)


def test_a_carbon_that_comes_late_gets_every_point(carbon, sender):
    port = free_port()
    sending = sender(port)
    given = points(3000)
    sending.put(given)
    wait_until(lambda: sending._last_error is not None)
    server = carbon(reads, port)
    wait_until(lambda: len(server.received) == 3000)
    count = sending.close(Deadline.after(FLUSH_S))
    assert set(server.received) == lines_of(given)
    assert (count.confirmed, count.dropped) == (3000, 0)


def test_a_carbon_that_is_started_again_gets_what_it_missed(carbon, sender):
    first = carbon(reads)
    sending = sender(first.port)
    sending.put(points(1000))
    wait_until(lambda: len(first.received) == 1000)
    first.close()
    sending.put(points(1000, first=1000))
    second = carbon(reads, first.port)
    wait_until(lambda: lines_of(points(1000, first=1000)) <= set(second.received))
    count = sending.close(Deadline.after(FLUSH_S))
    assert set(first.received) | set(second.received) == lines_of(points(2000))
    assert (count.offered, count.confirmed) == (2000, 2000)
    assert count.reconnects == 1


def test_what_a_breaking_connection_carried_is_not_called_confirmed(carbon, sender):
    server = carbon(resets)
    sending = sender(server.port)
    for number in range(20):
        sending.put(points(1000, first=1000 * number))
    count, close_s = timed(lambda: sending.close(Deadline.after(FLUSH_S)))
    assert close_s < FLUSH_S + 0.5
    assert count.confirmed < count.offered == 20_000
    assert count.confirmed + count.unconfirmed + count.dropped == 20_000
    assert count.last_error


def test_a_full_queue_loses_points_and_counts_them(sender):
    sending = sender(free_port(), capacity=100)
    _, put_s = timed(lambda: sending.put(points(5000)))
    assert put_s < 1
    count = sending.close(Deadline.after(0.2))
    assert (count.offered, count.confirmed, count.dropped) == (5000, 0, 5000)


def test_closing_twice_is_closing_once(carbon, sender):
    sending = sender(carbon(reads).port)
    sending.put(points(5))
    first = sending.close(Deadline.after(FLUSH_S))
    assert sending.close(Deadline.after(FLUSH_S)) == first
