"""The pages of the protocol and of the sensors know every word that the agent uses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from storperf.agent import frames, rates, sensors, supervisor
from storperf.agent.commands import COMMANDS
from storperf.agent.fio_process import FLOOD_BYTES, GRACE_S
from storperf.agent.retention import KEEP_S

TREE = Path(__file__).parents[3]
PROTOCOL = (TREE / "docs" / "reference" / "agent-protocol.md").read_text(encoding="utf-8")
SENSORS = (TREE / "docs" / "reference" / "sensors.md").read_text(encoding="utf-8")
NOTING = ("supervisor", "trials", "commands", "watching", "probes")
SOURCE = "".join((TREE / "storperf" / "agent" / f"{name}.py").read_text() for name in NOTING)


def first_words(page):
    """What the first column of the tables holds."""
    cells = re.findall(r"^\| ([^|]*) \|", page, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_row(command):
    assert command in first_words(PROTOCOL)


def test_every_kind_of_record_has_its_row():
    kinds = set(re.findall(r'"kind": "(\w+)"|_record\("(\w+)"', SOURCE))
    kinds = {word for pair in kinds for word in pair if word} | {"interval", "progress"}
    assert len(kinds) > 8
    assert kinds <= first_words(PROTOCOL)


def test_the_numbers_on_the_page_are_those_of_the_source():
    assert f"number {supervisor.PROTOCOL};" in PROTOCOL
    assert f"at most {frames.MAX_PAYLOAD_BYTES >> 20} MiB" in PROTOCOL
    assert f"({supervisor.DEFAULT_LEASE_S / 60:g} min)" in PROTOCOL
    assert f"for {KEEP_S / 86400:g} days" in PROTOCOL
    assert f"{GRACE_S:g} s later SIGTERM" in PROTOCOL
    assert f"After {FLOOD_BYTES >> 20} MiB" in PROTOCOL


def test_every_figure_has_its_row():
    host = sensors.HostSensors(processes=["python3"])
    found = [host.sample(now_s) for now_s in (1.0, 2.0, 3.0)][-1]
    host.close()
    written = first_words(SENSORS)
    names = {
        re.sub(
            rf"^({'|'.join(WHAT)})\.(.+)\.(\w+)$", lambda m: f"{m[1]}.<{WHAT[m[1]]}>.{m[3]}", name
        )
        for name in found
    }
    assert names <= written
    assert len(names) > 40


@pytest.mark.parametrize("fields", [rates.DEVICE, rates.NET])
def test_every_counter_of_a_device_has_its_row(fields):
    kind = "disk.<device>" if fields is rates.DEVICE else "net.<interface>"
    assert {f"{kind}.{field.figure}" for field in fields.values()} <= first_words(SENSORS)


WHAT = {"disk": "device", "net": "interface", "process": "name"}
