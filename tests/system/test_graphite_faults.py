"""A Graphite that is absent, hangs, never reads or dies costs points, never a run or its time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time

import pytest
from system.graphite_server import GraphiteServer

# The bound on the flush, and what a run's own time varies by on a busy machine.
MORE_S = 3.0 + 7.0


@contextlib.contextmanager
def listening(serve=None):
    """A port that accepts connections and does nothing else, unless `serve` does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])
                    if serve is not None:
                        serve(kept[-1])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for connection in kept:
                connection.close()


def closes(connection):
    connection.recv(10)
    connection.close()


@contextlib.contextmanager
def absent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


FAULTS = {
    "absent": absent,
    "accepts and never reads": listening,
    "closes every connection": lambda: listening(closes),
}


@pytest.fixture(scope="module")
def plain_s(make_program, tmp_path_factory):
    """How long the run takes without a Graphite."""
    program = make_program(tmp_path_factory.mktemp("plain"))
    return timed_run(program)[1]


def timed_run(program, graphite=None):
    job = program.job(duration="3s", provider=program.lying_fio(), graphite=graphite)
    started_s = time.monotonic()
    ended = program("run", job, "--json")
    return ended, time.monotonic() - started_s


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_graphite_neither_fails_nor_delays_a_run(fault, storperf, plain_s):
    with FAULTS[fault]() as port, listening() as web:
        address = {"host": "127.0.0.1", "port": port, "web": f"http://127.0.0.1:{web}"}
        ended, took_s = timed_run(storperf, address)
    assert ended.exit_code == 0, ended
    assert took_s < plain_s + MORE_S
    sink = ended.json["sinks"]["graphite"]
    assert not sink["is_complete"]
    points = sink["points"]
    assert points["offered"] > 100
    assert points["confirmed"] < points["offered"]
    assert points["confirmed"] + points["unconfirmed"] + points["dropped"] == points["offered"]
    assert sink["events"]["sent"] == 0
    assert "did not take" in ended.stderr
    assert ended.stderr.count("Graphite does not take points") <= 2
    storperf.assert_nothing_left()


def test_points_lost_to_a_required_graphite_are_exit_code_4(storperf):
    with absent() as port:
        ended, _ = timed_run(storperf, {"host": "127.0.0.1", "port": port, "required": True})
    assert ended.exit_code == 4, ended
    assert ended.json["verdict"]["outcome"] == "pass"
    (fault,) = ended.json["run"]["facts"]["faults"]
    assert "did not take" in fault["message"]


def test_a_name_that_nobody_knows_is_an_absent_graphite(storperf, plain_s):
    ended, took_s = timed_run(storperf, {"host": "no-such-host.invalid"})
    assert ended.exit_code == 0, ended
    assert took_s < plain_s + MORE_S
    assert ended.json["sinks"]["graphite"]["points"]["confirmed"] == 0


@pytest.mark.parametrize("victim", ["carbon-cache", "graphite-web"])
def test_a_graphite_that_is_killed_in_the_middle_costs_no_time(victim, storperf, plain_s):
    graphite = GraphiteServer(storperf)
    graphite("up")
    try:
        job = storperf.job(duration="3s", provider=storperf.lying_fio())
        pid = graphite.pid(victim)
        started_s = time.monotonic()
        running = storperf.start("run", job, "--json")
        running.until("started")
        os.kill(pid, signal.SIGKILL)
        ended = running.end()
        took_s = time.monotonic() - started_s
    finally:
        graphite("down")
    assert ended.exit_code == 0, ended
    assert took_s < plain_s + MORE_S
    sink = ended.json["sinks"]["graphite"]
    assert sink["is_complete"] == (victim == "graphite-web")
    storperf.assert_nothing_left()


def test_a_resumed_run_sends_again_what_its_dead_manager_had(storperf):
    graphite = GraphiteServer(storperf)
    graphite("up")
    try:
        job = storperf.job(duration="2s", provider=storperf.lying_fio())
        killed = storperf("run", job, STORPERF_DIE_AT="collect:stored")
        assert killed.exit_code == -signal.SIGKILL
        started_s = time.time() - 60
        ended = storperf("resume", "last", "--json")
        assert ended.exit_code == 0, ended
        assert ended.json["sinks"]["graphite"]["is_complete"]
        names = graphite.get("/metrics/index.json")
        (iops,) = [name for name in names if name.endswith(".read.iops") and ".live." in name]
        assert len(graphite.points([iops], started_s, time.time())[iops]) >= 2
    finally:
        graphite("down")
