"""What the hosts did while they measured is found; some of it keeps a verdict from being made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from storperf.store.intervals import read_intervals

STEP = "rr-bs4k-qd1-nj1-a1"
GENTLE = [{"name": "rr", "rw": "randread", "rate_iops": 400}]
# Of the machine on which the tests run: others may work there.
OF_THE_MACHINE = {"cpu_busy", "steal", "others_cpu", "throttled", "nic_full"}


@pytest.fixture
def others():
    """Starts programs that go on until the test has ended."""
    running = []

    def start(*argv):
        running.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL))

    yield start
    for process in running:
        process.kill()
        process.wait()


def cpu_s():
    """Busy and total CPU time of this machine so far, by a reading of the test's own."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    ticks = [int(word) for word in words]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def measure(program, loop_device, *, name, duration="4s"):
    device, image = loop_device(16 << 20)
    target = {"device": str(device), "serial": f"loop:{image}", "destroy": True}
    sensors = {"interval": "500ms", "processes": ["fio", "no-such-program"]}
    keys = {"name": name, "target": target, "workloads": GENTLE, "sensors": sensors}
    running = program.start("run", program.job(**keys, duration=duration), "--json")
    return running, device


def reasons(trial):
    return {finding["reason"] for finding in trial["host"]}


def test_a_quiet_run_is_called_nothing_that_its_host_is_not(storperf, loop_device):
    running, _ = measure(storperf, loop_device, name="quiet")
    running.until(f"{STEP}: started")
    busy_before, total_before = cpu_s()
    ended = running.end()
    busy_after, total_after = cpu_s()
    (trial,) = ended.trials
    found = reasons(trial)
    assert found <= OF_THE_MACHINE, ended
    if (busy_after - busy_before) / (total_after - total_before) < 0.2:
        assert not found, ended
    assert ended.json["verdict"]["reason"] in ("within_limits", "no_baseline"), ended
    told = trial["facts"]["ends"]["agent-01"]["sensors"]
    assert told["samples"] >= 7
    assert told["cpu_share"] < 0.05
    assert "fio" in [each["name"] for each in told["top"]]
    run_folder = storperf.run_folder(ended.json["run"]["id"])
    _, samples, _ = read_intervals(run_folder / "intervals/t001.1.zip")
    assert samples.figures["disk.target-0.reads"].max() > 100
    assert np.nanmax(samples.figures["process.fio.count"]) >= 1
    assert np.nanmax(samples.figures["process.no-such-program.count"]) == 0
    assert "process.no-such-program.cpu" not in samples.figures


def test_others_that_use_the_cpu_and_the_device_are_told_and_nothing_is_judged(
    storperf, loop_device, others
):
    for _ in range(-(-(os.cpu_count() or 1) // 2)):
        others(sys.executable, "-c", "while True: pass")
    running, device = measure(storperf, loop_device, name="loud", duration="5s")
    running.until(f"{STEP}: started")
    options = ["--name=x", "--rw=randread", "--bs=4k", "--direct=1", "--rate_iops=2000"]
    others("fio", *options, f"--filename={device}", "--time_based", "--runtime=60")
    ended = running.end()
    (trial,) = ended.trials
    assert {"others_cpu", "others_io", "foreign_io"} <= reasons(trial), ended
    assert {"disturbed", "foreign_io"} <= set(trial["flags"])
    assert (ended.exit_code, ended.json["verdict"]["reason"]) == (3, "disturbed"), ended
    assert not ended.json["verdict"]["enters_baseline"]
    shown = storperf("show", ended.json["run"]["id"]).stdout
    assert "neither fio nor the agent took" in " ".join(shown.split())
