"""`graphite check` finds what a Carbon loses without a word, and names the setting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time

import pytest
from system.graphite_server import VENV, GraphiteServer


@pytest.fixture
def graphite(storperf):
    server = GraphiteServer(storperf)
    server("up")
    yield server
    server("down")


def findings(graphite, exit_code, *arguments):
    ended = graphite.program("graphite", "check", *arguments, "--json")
    assert ended.exit_code == exit_code, ended
    return ended.json["findings"]


def test_the_embedded_one_loses_nothing(graphite):
    assert findings(graphite, 0) == []
    # A second look on the same day makes no more files.
    series = ours(graphite)
    assert "nothing found" in graphite.program("graphite", "check").stdout
    assert ours(graphite) == series
    assert len(series) == 63


def ours(graphite):
    return [path for path in graphite.get("/metrics/index.json") if path.startswith("storperf")]


@pytest.fixture
def shipped(graphite):
    """The embedded one's Carbon, started again with the limits that it is shipped with."""
    state = graphite("status")
    os.kill(graphite.pid("carbon-cache"), signal.SIGKILL)
    conf = graphite.program.top / "home/.local/state/storperf/graphite/conf"
    carbon = conf / "carbon.conf"
    carbon.write_text(
        carbon.read_text().replace("MAX_CREATES_PER_MINUTE = inf", "MAX_CREATES_PER_MINUTE = 50")
    )
    (conf / "storage-schemas.conf").write_text("[default]\npattern = .*\nretentions = 60s:1d\n")
    port = state["ports"]["line"]
    process = subprocess.Popen(
        [
            *(VENV / "bin/python", VENV / "bin/carbon-cache.py", "--nodaemon"),
            *(f"--config={carbon}", f"--pidfile={conf / 'test.pid'}", "start"),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(conf)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield state
    finally:
        process.kill()
        process.wait()


def wait_for_port(port):
    give_up_s = time.monotonic() + 20
    while time.monotonic() < give_up_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("carbon-cache does not listen")


def test_shipped_limits_and_schemas_are_found_and_named(graphite, shipped):
    web, port = shipped["web"], shipped["ports"]["line"]
    found = findings(graphite, 3, web, "--carbon", f"127.0.0.1:{port}")
    words = "\n".join(f"{each['what']} > {each['remedy']}" for each in found)
    assert "a point each 60 s where ours has one each 1 s" in words
    assert "storage-schemas.conf: put what `storperf graphite config` prints" in words
    assert "new series were not made" in words
    assert "MAX_CREATES_PER_MINUTE = inf" in words
    assert all(each["is_loss"] for each in found)


def test_a_wrong_port_is_told(graphite):
    state = graphite("status")
    with socket.create_server(("127.0.0.1", 0)) as server:
        absent = server.getsockname()[1]
    (nobody,) = findings(graphite, 4, state["web"], "--carbon", f"127.0.0.1:{absent}")
    assert "refused" in nobody["what"]
    web_port = state["ports"]["web"]
    (other,) = findings(
        graphite, 4, f"http://127.0.0.1:{absent}", "--carbon", f"127.0.0.1:{state['ports']['line']}"
    )
    assert "cannot be read back" in other["what"]
    (answers,) = findings(graphite, 4, state["web"], "--carbon", f"127.0.0.1:{web_port}")
    assert "--carbon HOST:PORT" in answers["remedy"]
