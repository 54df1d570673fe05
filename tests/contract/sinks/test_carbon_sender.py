"""Points reach a Carbon that reads; one that does anything else costs points and no time."""

from __future__ import annotations

import contextlib
import pickle
import re
import socket
import struct
import threading
import time

import pytest

from storperf.deadline import Deadline
from storperf.model.job import Graphite
from storperf.sinks.backlog import Backlog, Limits
from storperf.sinks.carbon import CarbonSender
from storperf.sinks.entries import Fold, Points, points_of
from storperf.sinks.spool import Owner, Spool
from storperf.sinks.witness import Witness

FLUSH_S = 3.0
RESET = struct.pack("ii", 1, 0)


def points(count, first=0):
    return [
        Points(fold=Fold.LAST, points=((f"storperf.live.p{n % 7}", float(n), 1_700_000_000 + n),))
        for n in range(first, first + count)
    ]


def lines_of(some):
    return {
        f"{path} {value} {second}" for entry in some for path, value, second in points_of(entry)
    }


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


class Sending:
    """A spool, and the thread that sends what is in it."""

    def __init__(self, folder, port, limits=None, monotonic=time.monotonic, **address):
        graphite = Graphite(host="127.0.0.1", port=port, **address)
        self.spool = Spool(folder, Owner(run="r", lab="l", job="j", graphite=graphite))
        limits = limits or Limits(size_bytes=1 << 30, age_s=1e9)
        self.backlog = Backlog(self.spool.arrivals, limits, monotonic, self.spool.fresh)
        self.witness = Witness()
        self.carbon = CarbonSender(graphite, self.backlog, self.witness)

    def put(self, entries):
        self.spool.put(entries)
        self.carbon.wake()

    def flush(self, patience_s=FLUSH_S):
        return self.carbon.flush(Deadline.after(patience_s))

    def close(self):
        assert self.carbon.stop()
        self.backlog.close(is_all_done=False)
        self.spool.close(is_removed=False)


@pytest.fixture
def sender(tmp_path):
    made = []

    def make(port, **settings):
        made.append(Sending(tmp_path / f"spool-{len(made)}", port, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


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
    assert sending.flush()
    assert set(server.received) == lines_of(given)
    assert len(server.received) == 5000
    assert server.connections == 1
    assert (sending.backlog.sent, sending.backlog.confirmed) == (5000, 5000)
    assert sending.carbon.last_error is None
    assert sum(each.count for each in sending.witness.series.values()) == 5000


def test_nothing_to_send_is_flushed(sender):
    sending = sender(free_port())
    assert sending.flush()
    assert sending.carbon.last_error is None


def test_what_is_put_while_the_thread_finds_nothing_goes_with_the_flush_after_it(carbon, sender):
    server = carbon(reads)
    looking, is_asked = threading.Event(), threading.Event()

    def clock():
        # Read by the thread between looking for something new and saying that there is nothing.
        looking.set()
        is_asked.wait(10)
        return time.monotonic()

    sending = sender(server.port, monotonic=clock)
    assert looking.wait(10)
    sending.put(points(100))
    answers = []
    flusher = threading.Thread(target=lambda: answers.append(sending.flush()))
    flusher.start()
    wait_until(sending.carbon._flushing.is_set)
    is_asked.set()
    flusher.join()
    assert answers == [True]
    assert set(server.received) == lines_of(points(100))
    assert sending.backlog.confirmed == 100


def test_an_absent_carbon_costs_no_point_and_no_time(sender):
    sending = sender(free_port())
    _, put_s = timed(lambda: sending.put(points(10_000)))
    is_flushed, flush_s = timed(sending.flush)
    assert not is_flushed
    assert put_s < 2
    assert flush_s < FLUSH_S + 0.5
    assert (sending.backlog.sent, sending.backlog.dropped, sending.spool.offered) == (0, 0, 10_000)
    assert "refused" in sending.carbon.last_error


def test_a_spool_that_fills_up_while_carbon_is_away_is_told_at_once(sender):
    limits = Limits(size_bytes=1 << 18, age_s=1e9)
    sending = sender(free_port(), limits=limits, spool_bytes=1 << 18)
    for number in range(0, 6000, 100):
        sending.put(points(100, first=number))
    wait_until(lambda: not sending.backlog.news.empty())
    assert "the spool for Graphite is full" in sending.backlog.news.get()


def test_a_carbon_that_never_reads_costs_no_more_than_the_flush(carbon, sender):
    server = carbon(never_reads)
    sending = sender(server.port)
    _, put_s = timed(lambda: sending.put(points(50_000)))
    is_flushed, flush_s = timed(sending.flush)
    assert not is_flushed
    assert put_s < 5
    assert flush_s < FLUSH_S + 0.5
    assert sending.backlog.confirmed == 0
    assert sending.carbon.last_error


def test_few_points_to_a_carbon_that_never_reads_are_not_called_confirmed(carbon, sender):
    sending = sender(carbon(never_reads).port)
    sending.put(points(10))
    assert not sending.flush(0.5)
    assert sending.backlog.confirmed == 0


def test_a_carbon_that_comes_late_gets_every_point(carbon, sender):
    port = free_port()
    sending = sender(port)
    given = points(3000)
    sending.put(given)
    wait_until(lambda: sending.carbon.last_error is not None)
    server = carbon(reads, port)
    wait_until(lambda: len(server.received) == 3000)
    assert sending.flush()
    assert set(server.received) == lines_of(given)
    assert sending.backlog.confirmed == 3000


def test_a_carbon_that_is_started_again_gets_all_of_the_last_two_minutes(carbon, sender):
    first = carbon(reads)
    sending = sender(first.port)
    sending.put(points(1000))
    wait_until(lambda: len(first.received) == 1000)
    first.close()
    sending.put(points(1000, first=1000))
    second = carbon(reads, first.port)
    # What the first one had read may not have come to its disk.
    wait_until(lambda: lines_of(points(2000)) == set(second.received))
    assert sending.flush()
    assert sending.backlog.confirmed == 2000
    assert sending.carbon.losses == 1


def test_what_a_breaking_connection_carried_is_not_called_confirmed(carbon, sender):
    server = carbon(resets)
    sending = sender(server.port)
    for number in range(20):
        sending.put(points(1000, first=1000 * number))
    is_flushed, flush_s = timed(sending.flush)
    assert not is_flushed
    assert flush_s < FLUSH_S + 0.5
    assert sending.backlog.confirmed < 20_000
    assert sending.carbon.last_error


def test_what_is_sent_again_on_request_is_all_that_is_kept(carbon, sender):
    server = carbon(reads)
    sending = sender(server.port)
    sending.put(points(500))
    assert sending.flush()
    sending.carbon.resend()
    assert sending.flush()
    assert len(server.received) == 1000
    assert sending.backlog.confirmed == 500


def answers(carbon, connection):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def hangs_up(carbon, connection):
    connection.recv(1000)
    connection.close()


@pytest.mark.parametrize(
    ("serve", "words"), [(answers, "HTTP/1.1 400"), (hangs_up, "closed|reset|pipe")]
)
def test_another_programs_port_confirms_nothing(serve, words, carbon, sender):
    sending = sender(carbon(serve).port)
    sending.put(points(10))
    assert not sending.flush(1)
    assert sending.backlog.confirmed == 0
    assert re.search(words, sending.carbon.last_error, re.IGNORECASE)


def unpickles(carbon, connection):
    with connection, connection.makefile("rb") as stream:
        while head := stream.read(4):
            (size,) = struct.unpack("!L", head)
            batch = pickle.loads(stream.read(size))  # noqa: S301 - our own sender's
            carbon.received += [f"{path} {value} {second}" for path, (second, value) in batch]


def test_what_has_piled_up_goes_to_the_pickle_port(carbon, sender):
    lines, pickles = carbon(reads), carbon(unpickles)
    port = free_port()
    sending = sender(port, pickle_port=pickles.port)
    given = points(100_000)
    for number in range(0, 100_000, 1000):
        sending.put(given[number : number + 1000])
    sending.carbon._address = Graphite(host="127.0.0.1", port=lines.port, pickle_port=pickles.port)
    assert sending.flush(60)
    assert set(pickles.received) == lines_of(given)
    assert lines.received == []
    sending.put(points(10, first=100_000))
    assert sending.flush()
    assert set(lines.received) == lines_of(points(10, first=100_000))


@pytest.mark.parametrize("name", ["no-such-host.invalid", "x" * 300, "a..b"])
def test_a_name_that_nobody_knows_is_an_absent_carbon(name, tmp_path):
    sending = Sending(tmp_path / "spool", 2003)
    sending.close()
    graphite = Graphite(host=name)
    spool = Spool(tmp_path / "other", Owner(run="r", lab="l", job="j", graphite=graphite))
    backlog = Backlog(spool.arrivals, Limits(size_bytes=1 << 20, age_s=1e9))
    carbon = CarbonSender(graphite, backlog, Witness())
    spool.put(points(3))
    assert not carbon.flush(Deadline.after(FLUSH_S))
    assert carbon.last_error.startswith(name[:40])
    assert carbon.stop()
