"""`storperf graphite`: up, status, down, and everything that may be in their way."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from system.graphite_server import GraphiteServer

NO_NETWORK = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}


@pytest.fixture
def graphite(storperf):
    server = GraphiteServer(storperf)
    yield server
    storperf(
        "graphite",
        "down",
        STORPERF_GRAPHITE_VENV=server.program.environment["STORPERF_GRAPHITE_VENV"],
    )


def state_folder(graphite):
    return graphite.program.top / "home/.local/state/storperf/graphite"


def pids(state):
    return [program["pid"] for program in state["programs"]]


def gone(pid):
    give_up_s = time.monotonic() + 10
    while time.monotonic() < give_up_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def send(state, text):
    with socket.create_connection((state["host"], state["ports"]["line"]), 5) as carbon:
        carbon.sendall(text.encode())
        carbon.shutdown(socket.SHUT_WR)
        assert carbon.recv(1) == b""


def test_up_is_idempotent_and_down_keeps_the_points(graphite):
    assert not graphite("status", 3)["is_up"]
    first = graphite("up")
    assert first["is_well"]
    assert pids(graphite("up")) == pids(first)
    now = int(time.time())
    send(first, f"storperf.live.l.j.run.trial 7 {now}\n")
    graphite("down")
    assert all(gone(pid) for pid in pids(first))
    assert not graphite("status", 3)["is_up"]
    assert graphite("down") == {"schema": "storperf-graphite-down/1", "has_stopped": False}
    again = graphite("up")
    assert again["ports"] == first["ports"]
    series = "storperf.live.l.j.run.trial"
    assert graphite.points([series], now - 5, now)[series] == {now: 7}
    assert again["series"] >= 1
    assert 0 < again["used_bytes"] < 1 << 20


def test_it_listens_on_the_loopback_alone(graphite):
    state = graphite("up")
    ports = {f"{port:04X}" for port in state["ports"].values()}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = [line.split() for line in Path(table).read_text().splitlines()][1:]
        listening = [row[1].split(":") for row in rows if row[3] == "0A"]
        assert {where for where, port in listening if port in ports} <= {"0100007F"}


def test_points_received_are_counted(graphite):
    state = graphite("up")
    now = int(time.time())
    send(state, "".join(f"storperf.live.l.j.run.f{n} 1 {now}\n" for n in range(300)))
    give_up_s = time.monotonic() + 30
    while graphite("status")["points_received"] < 300:
        assert time.monotonic() < give_up_s
        time.sleep(0.5)
    state = graphite("status")
    assert (state["points_received"], state["points_dropped"]) == (300, 0)
    # 300 new series at once: the shipped limit is 50 a minute.
    assert state["series"] >= 300


def test_a_taken_port_leads_to_another_one_that_is_remembered(graphite):
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        taken = [one.getsockname()[1], other.getsockname()[1]]
        folder = state_folder(graphite)
        folder.mkdir(parents=True)
        wanted = {"line": taken[0], "pickle": taken[0] + 20, "query": 17002, "web": taken[1]}
        (folder / "ports.json").write_text(json.dumps(wanted))
        state = graphite("up")
        assert not set(taken) & set(state["ports"].values())
        graphite("down")
    assert graphite("up")["ports"] == state["ports"]


@pytest.mark.parametrize("name", ["carbon-cache", "graphite-web"])
def test_a_crashed_program_is_shown_and_healed(name, graphite):
    graphite("up")
    os.kill(graphite.pid(name), signal.SIGKILL)
    give_up_s = time.monotonic() + 10
    while graphite.pid(name) is not None:
        assert time.monotonic() < give_up_s
        time.sleep(0.1)
    state = graphite("status", 4)
    assert (state["is_up"], state["is_well"]) == (True, False)
    assert "crashed" in graphite.program("graphite", "status").stdout
    assert graphite("up")["is_well"]
    assert graphite("status")["is_well"]


def test_a_hung_program_is_shown_and_healed(graphite):
    graphite("up")
    carbon = graphite.pid("carbon-cache")
    # The kernel accepts connections for it all the same.
    os.kill(carbon, signal.SIGSTOP)
    assert not graphite("status", 4)["is_well"]
    assert graphite("up")["is_well"]
    assert gone(carbon)


def test_a_stale_pid_file_harms_nobody(graphite):
    """The pid in it belongs to somebody else by now."""
    folder = state_folder(graphite)
    folder.mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for name in ("carbon", "web"):
        stale = {"pid": os.getpid(), "ticks": 1, "boot": boot, "made_of": ""}
        (folder / f"{name}.pid.json").write_text(json.dumps(stale))
    (folder / "carbon-cache.pid").write_text(str(os.getpid()))
    assert graphite("status", 4)["is_up"]
    assert graphite("up")["is_well"]
    graphite("down")
    os.kill(os.getpid(), 0)


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"pid": 1}', "\0"])
def test_rubbish_in_our_files_is_as_good_as_nothing(rubbish, graphite):
    folder = state_folder(graphite)
    folder.mkdir(parents=True)
    for name in ("carbon.pid.json", "web.pid.json", "ports.json"):
        (folder / name).write_text(rubbish)
    assert not graphite("status", 4)["is_well"]
    graphite("down")
    assert not graphite("status", 3)["is_up"]


def test_no_network_at_install_time_is_one_clear_message(graphite):
    graphite.program.environment["STORPERF_GRAPHITE_VENV"] = str(graphite.program.top / "venv")
    graphite.program.environment.update(NO_NETWORK)
    # Who asks for it is not measured without it; who does not, is.
    job = graphite.program.job(provider=graphite.program.lying_fio())
    ended = graphite.program("run", job, "--graphite")
    assert ended.exit_code == 4
    (message,) = [line for line in ended.stderr.splitlines() if "storperf: " in line]
    assert "no network" in message
    assert "Traceback" not in ended.stderr
    assert graphite.program("run", job, "--json").json["sinks"] == {}


def test_a_folder_that_is_no_venv_is_left_alone(graphite):
    folder = graphite.program.top / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    graphite.program.environment["STORPERF_GRAPHITE_VENV"] = str(folder)
    ended = graphite.program("graphite", "install")
    assert ended.exit_code == 2
    assert "is no venv" in ended.stderr
    assert (folder / "thesis.txt").read_text() == "years of work"


@pytest.mark.all_only
def test_a_half_installed_venv_is_made_again(graphite):
    folder = graphite.program.top / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /nowhere\n")
    (folder / "bin" / "python").write_text("half a")
    # The registry is reached as this environment says.
    settings = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    graphite.program.environment.update(settings, STORPERF_GRAPHITE_VENV=str(folder))
    ended = graphite.program("graphite", "up", "--json", timeout_s=600)
    assert ended.exit_code == 0, ended
    assert "installing Graphite" in ended.stderr
    assert ended.json["graphite"]["is_well"]


def test_two_that_start_at_one_moment_take_no_other_s_answers_for_their_own(
    graphite, make_program, tmp_path_factory
):
    other = GraphiteServer(make_program(tmp_path_factory.mktemp("other")))
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        line, web = one.getsockname()[1], two.getsockname()[1]
    wanted = {"line": line, "pickle": line + 20, "query": line + 21, "web": web}
    for server in (graphite, other):
        folder = state_folder(server)
        folder.mkdir(parents=True)
        (folder / "ports.json").write_text(json.dumps(wanted))
    try:
        both = [server.program.start("graphite", "up", "--json") for server in (graphite, other)]
        states = [ended.json["graphite"] for ended in (running.end() for running in both)]
        assert [state["is_well"] for state in states] == [True, True]
        assert not set(states[0]["ports"].values()) & set(states[1]["ports"].values())
        assert all(server("status")["is_well"] for server in (graphite, other))
    finally:
        other.program("graphite", "down")
