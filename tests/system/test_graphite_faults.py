"""A Graphite that is absent, hangs, never reads or dies costs no run, no time and no point."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from system.graphite_server import GraphiteServer
from tools.stepped_clock import SteppedClock, compiler

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
    assert (points["confirmed"], points["dropped"]) == (0, 0)
    assert points["waiting"] + points["unconfirmed"] == points["offered"]
    assert sink["read_back"]["state"] == "unconfirmed"
    assert Path(sink["spool"]).is_dir()
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


@pytest.fixture
def graphite(storperf):
    server = GraphiteServer(storperf)
    server("up")
    yield server
    server("down")


def running(graphite, seconds, **keys):
    """A run that has begun to measure, and when it was started."""
    job = graphite.program.job(
        duration=f"{seconds}s", provider=graphite.program.lying_fio(), **keys
    )
    started_s = time.monotonic()
    run = graphite.program.start("run", job, "--json")
    run.until("started")
    return run, started_s


def seconds_of(graphite, ended):
    """The seconds in which Graphite has IOPS of the run's agent."""
    run = ended.json["run"]
    job = ended.json["job"]["name"]
    path = f"storperf.live.local.{job}.candidate.agent-01.target-0.read.iops"
    return sorted(graphite.points([path], run["created_s"], run["ended_s"] + 60)[path])


def assert_without_a_gap(seconds, at_least):
    assert len(seconds) >= at_least
    assert seconds == list(range(seconds[0], seconds[-1] + 1))


def test_a_carbon_killed_in_the_middle_has_every_second_afterwards(graphite):
    run, _ = running(graphite, 14, name="killed")
    pid = graphite.pid("carbon-cache")
    wait_until(lambda: received(graphite) > 50)
    os.kill(pid, signal.SIGKILL)
    # What it had in its memory is gone; nobody listens for a while.
    time.sleep(2)
    graphite("up")
    ended = run.end()
    assert ended.exit_code == 0, ended
    sink = ended.json["sinks"]["graphite"]
    assert sink["is_complete"], sink
    assert sink["read_back"]["state"] == "complete"
    assert sink["points"]["reconnects"] == 1
    assert_without_a_gap(seconds_of(graphite, ended), 13)


def test_a_carbon_that_hangs_in_the_middle_has_every_second_afterwards(graphite, plain_s):
    run, started_s = running(graphite, 8, name="hung")
    pid = graphite.pid("carbon-cache")
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(4)
    finally:
        os.kill(pid, signal.SIGCONT)
    ended = run.end()
    assert ended.exit_code == 0, ended
    assert time.monotonic() - started_s < plain_s + 5 + MORE_S
    assert ended.json["sinks"]["graphite"]["is_complete"]
    assert_without_a_gap(seconds_of(graphite, ended), 7)


def test_what_a_dead_graphite_did_not_get_is_sent_by_flush_and_by_the_next_run(graphite):
    program = graphite.program
    run, _ = running(graphite, 3, name="left")
    os.kill(graphite.pid("carbon-cache"), signal.SIGKILL)
    ended = run.end()
    sink = ended.json["sinks"]["graphite"]
    assert (ended.exit_code, sink["is_complete"]) == (0, False)
    assert "storperf graphite flush" in ended.stderr
    assert program("graphite", "flush", "last").exit_code == 4
    graphite("up")
    flushed = program("graphite", "flush", "last", "--json")
    assert flushed.exit_code == 0, flushed
    (facts,) = flushed.json["runs"]
    assert facts["points"]["confirmed"] == sink["points"]["offered"]
    assert facts["read_back"]["state"] == "complete"
    assert_without_a_gap(seconds_of(graphite, ended), 3)
    assert list((program.results / "spools").glob("*")) == []
    assert program("graphite", "flush").stdout == "nothing is left to send\n"
    assert program("graphite", "flush", "last").exit_code == 2


def test_a_killed_managers_points_are_sent_by_who_comes_next(graphite):
    program = graphite.program
    job = program.job(name="dead", duration="2s", provider=program.lying_fio())
    killed = program("run", job, STORPERF_DIE_AT="collect:stored")
    assert killed.exit_code == -signal.SIGKILL
    ended = program("resume", "last", "--json")
    assert ended.exit_code == 0, ended
    assert ended.json["sinks"]["graphite"]["is_complete"]
    assert_without_a_gap(seconds_of(graphite, ended), 2)
    # And the next run, of whatever job, sends what nobody resumed.
    killed = program("run", job, STORPERF_DIE_AT="collect:stored")
    (left,) = (program.results / "spools").glob("*")
    elsewhere = {"directory": "elsewhere", "size": "16M"}
    fio = program.lying_fio()
    other = program.job(name="next", duration="1s", provider=fio, target=elsewhere)
    assert program("run", other).exit_code == 0
    assert not left.exists()
    assert program("cancel", left.name).exit_code in {0, 130}


def test_a_full_disk_of_the_spool_harms_nothing(graphite, mounted):
    program = graphite.program
    disk = mounted("tmpfs", "size=1M")
    job = program.job(name="full", duration="2s", provider=program.lying_fio())
    ended = program("run", job, "--json", STORPERF_SPOOLS=str(disk / "spools"))
    assert ended.exit_code == 0, ended
    sink = ended.json["sinks"]["graphite"]
    assert sink["is_complete"]
    assert sink["points"]["in_memory"] == sink["points"]["offered"] > 50
    assert "No space left" in sink["spool_fault"]
    assert "memory does" in ended.stderr
    assert_without_a_gap(seconds_of(graphite, ended), 2)


def test_a_stepped_clock_costs_no_second_and_no_read_back(graphite, tmp_path):
    if compiler() is None:
        pytest.skip("needs a C compiler for a clock of its own")
    program = graphite.program
    clock = SteppedClock(tmp_path / "clock")
    job = program.job(name="stepped", duration="11s", provider=program.lying_fio())
    run = program.start("run", job, "--json", **clock.environment)
    run.until("started")
    # Of the manager and of its agent; Graphite has its own.
    for seconds in (90, -90, 3600, -3600):
        time.sleep(2)
        clock.step(seconds)
    ended = run.end()
    assert ended.exit_code in {0, 3}, ended
    sink = ended.json["sinks"]["graphite"]
    assert sink["is_complete"], sink
    assert sink["read_back"]["state"] == "complete"
    assert sink["read_back"]["read"] + sink["read_back"]["later"] == sink["read_back"]["series"]
    assert sink["read_back"]["later"] <= 5
    assert (sink["points"]["dropped"], sink["points"]["thinned"]) == (0, 0)
    assert_without_a_gap(seconds_of(graphite, ended), 10)


def test_two_runs_with_one_name_at_once_are_told_of_each_other(graphite):
    first, _ = running(graphite, 4, name="twin", target={"directory": "one", "size": "16M"})
    second, _ = running(graphite, 1, name="twin", target={"directory": "two", "size": "16M"})
    later, earlier = second.end(), first.end()
    run = earlier.json["run"]["id"]
    told, first_told = (ended.json["sinks"]["graphite"] for ended in (later, earlier))
    assert told["shares_names_with"] == [run]
    assert first_told["shares_names_with"] == []
    assert told["is_complete"], told
    # Graphite keeps one summary a minute: the later one has the next.
    assert told["summary_time_s"] // 60 > first_told["summary_time_s"] // 60
    is_put_off = told["summary_time_s"] != int(later.json["run"]["created_s"])
    assert is_put_off == ("started in the same minute" in later.stderr)
    assert f"run {run} sends to the same series" in later.stderr
    assert {later.exit_code, earlier.exit_code} <= {0, 3}


NAMES = ["a.b/c d", "ü" * 200, "../..", "~2e~", "run", "a;b=c", 'x"{*}[1-9]']


def test_hostile_names_are_all_read_back_in_both_layouts(graphite):
    program = graphite.program
    state = graphite("status")
    address = {"port": state["ports"]["line"], "web": state["web"], "older_layout": True}
    workloads = [
        {"name": f"{number} {name}"[:100], "rw": "randread", "rate_iops": 500}
        for number, name in enumerate(NAMES[:3])
    ]
    job = program.job(name=NAMES[1], lab=NAMES[6], workloads=workloads, graphite=address)
    ended = program("run", job, "--json")
    assert ended.exit_code in {0, 3}, ended
    found = ended.json["sinks"]["graphite"]["read_back"]
    # A busy machine may not come to read all of it in time.
    assert found["missing"] == [], found
    paths = [path for path in graphite.get("/metrics/index.json") if path[:7] != "carbon."]
    assert len(paths) == found["series"]
    markers = [path for path in paths if path.endswith(".commit-marker")]
    assert len(markers) == len(workloads)


def received(graphite):
    return sum(
        len(points)
        for points in graphite.points(
            ["storperf.live.local.*.run.trial", "storperf.live.local.*.*.*.*.*.*"],
            time.time() - 60,
            time.time() + 5,
        ).values()
    )


def wait_until(condition, patience_s=20):
    give_up_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.1)
