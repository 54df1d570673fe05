"""`graphite check` finds what a Carbon loses without a word, and names the setting."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest
from system.graphite_server import VENV, GraphiteServer
from tools.sshd import free_port


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


@contextmanager
def other_carbon(graphite, changes, *, schemas=None, relay=None):
    """The embedded one's Carbon, started again with other settings; where points go then.

    `relay` is a section of carbon.conf for a carbon-relay in front of it.
    """
    state = graphite("status")
    os.kill(graphite.pid("carbon-cache"), signal.SIGKILL)
    conf = graphite.program.top / "home/.local/state/storperf/graphite/conf"
    carbon = conf / "carbon.conf"
    text = carbon.read_text()
    for key, value in changes.items():
        text = re.sub(rf"(?m)^{key} = .*$\n", "", text) + f"{key} = {value}\n"
    carbon.write_text(text + (relay or "").format(**state["ports"]))
    if schemas is not None:
        (conf / "storage-schemas.conf").write_text(schemas)
    with ExitStack() as stack:
        stack.enter_context(carbon_program(conf, "carbon-cache.py", state["ports"]["line"]))
        port = state["ports"]["line"]
        if relay is not None:
            port = int(re.search(r"LINE_RECEIVER_PORT = (\d+)", relay)[1])
            stack.enter_context(carbon_program(conf, "carbon-relay.py", port))
        yield state["web"], f"127.0.0.1:{port}"


@contextmanager
def carbon_program(conf, name, port):
    process = subprocess.Popen(
        [
            *(VENV / "bin/python", VENV / "bin" / name, "--nodaemon"),
            *(f"--config={conf / 'carbon.conf'}", f"--pidfile={conf / name}.pid", "start"),
        ],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(conf)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield
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


def words_of(found):
    assert all(each["is_loss"] for each in found)
    return "\n".join(f"{each['what']} > {each['remedy']}" for each in found)


def test_shipped_limits_and_schemas_are_found_and_named(graphite):
    schemas = "[default]\npattern = .*\nretentions = 60s:1d\n"
    with other_carbon(graphite, {"MAX_CREATES_PER_MINUTE": 50}, schemas=schemas) as (web, carbon):
        words = words_of(findings(graphite, 3, web, "--carbon", carbon))
    assert "a point each 60 s where ours has one each 1 s" in words
    assert "storage-schemas.conf: put what `storperf graphite config` prints" in words
    assert "new series were not made" in words
    assert "MAX_CREATES_PER_MINUTE = inf" in words


def test_a_cache_that_runs_over_is_found_and_named(graphite):
    # It holds fewer points than the check sends at once, and writes them slowly.
    small = {"MAX_CACHE_SIZE": 40, "MAX_UPDATES_PER_SECOND": 10}
    with other_carbon(graphite, small) as (web, carbon):
        words = words_of(findings(graphite, 3, web, "--carbon", carbon))
    assert "points were dropped: the cache was full" in words
    assert "MAX_CACHE_SIZE = inf" in words


RELAY = """
[relay]
LINE_RECEIVER_INTERFACE = 127.0.0.1
RELAY_METHOD = consistent-hashing
DESTINATIONS = 127.0.0.1:{{pickle}}
MAX_QUEUE_SIZE = 40
USE_FLOW_CONTROL = False
CARBON_METRIC_INTERVAL = 10
PICKLE_RECEIVER_PORT = 0
LINE_RECEIVER_PORT = {port}
"""


def test_a_relay_whose_queue_runs_over_is_found_and_named(graphite):
    relay = RELAY.format(port=free_port())
    with other_carbon(graphite, {}, relay=relay) as (web, carbon):
        words = words_of(findings(graphite, 3, web, "--carbon", carbon))
    assert "a relay dropped points: the queue to a cache was full" in words
    assert "MAX_QUEUE_SIZE in the section [relay] of carbon.conf" in words


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
