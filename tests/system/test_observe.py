"""Hosts that are watched while fio runs elsewhere: what they tell, and that their loss is none."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from pathlib import Path

import pytest
from system.leftovers import processes_of
from system.test_resume import until_journalled
from system.test_ssh import Hosts, supervisors
from system.together import Facts

fact = Facts()

PLUGIN = """#!/bin/sh
echo "POOL WARNING - 8% left | used=92%;80;95 age=250ms"
exit 1
"""
HANGS = {"name": "hangs", "command": ["sleep", "600"], "pattern": "(?P<x>.)", "timeout": "200ms"}
SECRET = "s3cret-of-the-cloud"
SEEN = {
    "name": "seen",
    "every": "500ms",
    "command": ["sh", "-c", "echo $${OS_PASSWORD:-0}"],
    "pattern": r"^(?P<password>\d+)$",
}


def entries(hosts):
    """The servers as hosts that are observed."""
    found = [hosts.entry(server) for server in hosts.servers]
    return [{key: entry[key] for key in entry if key != "target"} for entry in found]


def host_rows(ended):
    (trial,) = ended.trials
    return {row["host"]: row for row in trial["hosts"]}


def figures(row):
    return {each["figure"]: each["mean"] for each in row["probes"]}


class Carbon:
    """Takes what is sent to Graphite; the names of the series."""

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.lines = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection, connection.makefile("r") as lines:
                self.lines += [line.split()[0] for line in lines]

    def close(self):
        self._server.close()


@fact
def observed_hosts_tell_sensors_and_probes_beside_fios_figures(storperf):
    with Hosts(storperf, 1) as hosts:
        plugin = storperf.top / "check_pool"
        plugin.write_text(PLUGIN)
        plugin.chmod(0o755)
        load = {
            "name": "load",
            "command": ["cat", "/proc/loadavg"],
            "pattern": r"(?P<now>\S+) (?P<later>\S+)",
            "every": "250ms for 1s each 2s",
        }
        pool = {"name": "pool", "nagios": [str(plugin)], "every": "500ms", "hosts": "observe"}
        carbon = Carbon()
        job = storperf.job(
            duration="4s",
            observe=[*entries(hosts), "local"],
            probes=[load, pool, HANGS | {"hosts": "observe", "every": "1s"}, SEEN],
            graphite={"host": "127.0.0.1", "port": carbon.port},
        )
        running = storperf.start("run", job, "--json", OS_PASSWORD=SECRET)
        until_journalled(storperf, b'"kind":"interval"')
        assert hosts.servers[0].kill_sessions()
        ended = running.end()
        carbon.close()
        assert ended.exit_code == 0, ended
        rows = host_rows(ended)
        assert list(rows) == ["agent-01", "observed-01", "observed-02"]
        assert [row["is_observed"] for row in rows.values()] == [False, True, True]
        for row in rows.values():
            assert 0 < row["cpu_busy"] <= 1
            assert row["gaps_s"] == []
            assert figures(row)["load.now"] >= 0
            assert figures(row)["seen.password"] == 0
        for name in ("observed-01", "observed-02"):
            found = figures(rows[name])
            assert found["pool.used"] == pytest.approx(0.92)
            assert found["pool.age"] == pytest.approx(0.25)
            runs = {run["probe"]: run for run in rows[name]["probe_runs"]}
            assert (runs["pool"]["status"], runs["pool"]["failures"]) == (1, 0)
            assert runs["pool"]["text"] == "POOL WARNING - 8% left"
            assert runs["hangs"]["failures"] >= 2
            assert runs["load"]["samples"] >= 3
        assert "pool.used" not in figures(rows["agent-01"])
        assert len(re.findall("note: observed-01: probe hangs gives no figures", ended.stderr)) == 1
        series = set(carbon.lines)
        place = "storperf.live.local.quick.candidate"
        assert f"{place}.observed-01.host.probe.load.now" in series
        assert f"{place}.observed-02.host.cpu.user" in series
        assert f"{place}.agent-01.host.probe.load.later" in series
        folder = storperf.run_folder(ended.json["run"]["id"])
        report = (folder / "report.html").read_text()
        assert "POOL WARNING - 8% left" in report
        assert "observed-02 cpu busy" in report
        assert SECRET.encode() not in b"".join(
            path.read_bytes() for path in folder.rglob("*") if path.is_file()
        )
        hosts.assert_nothing_left()
        assert list(storperf.agents.glob("*/runs/*")) == []
        assert not [words for words in processes_of(storperf.top).values() if "sleep" in words]


@fact
def a_host_that_is_lost_in_the_middle_is_told_and_the_run_passes(storperf):
    with Hosts(storperf, 2) as hosts:
        job = storperf.job(duration="5s", observe=entries(hosts))
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval"')
        lost = hosts.servers[1]
        for pid in supervisors(lost):
            os.kill(pid, signal.SIGKILL)
        lost.end()
        ended = running.end()
        assert ended.exit_code == 0, ended
        rows = host_rows(ended)
        assert rows["observed-01"]["gaps_s"] == []
        (gap,) = rows["observed-02"]["gaps_s"]
        assert 1 < gap[1] - gap[0] < 6
        assert re.search(r"observed-02: nothing is known of \S+ of \S+: ", ended.stderr)
        assert "observed-02: not reached" in ended.stderr
        report = (storperf.run_folder(ended.json["run"]["id"]) / "report.html").read_text()
        assert "observed-02: nothing is known of" in report
        assert list((hosts.servers[0].folder / "agent").glob("*/runs/*")) == []


@fact
def a_host_that_never_answers_is_told_but_one_with_another_key_ends_the_run(storperf):
    with Hosts(storperf, 2) as hosts:
        gone, other = entries(hosts)
        hosts.servers[0].end()
        ended = storperf("run", storperf.job(duration="3s", observe=[gone]), "--json")
        assert ended.exit_code == 0, ended
        assert "observed-01 is not observed yet: " in ended.stderr
        assert "fault" in ended.json["environment"]["observed-01"]
        (gap,) = host_rows(ended)["observed-01"]["gaps_s"]
        assert gap[1] - gap[0] == pytest.approx(3.0, abs=0.5)
        del other["host_key"]
        refused = storperf("run", storperf.job(observe=[other]), "--json")
        assert refused.exit_code == 4, refused
        assert "shows a host key that is not known" in refused.stderr
        hosts.assert_nothing_left()
        assert list(storperf.agents.glob("*/runs/*")) == []


@fact
def a_run_that_is_resumed_goes_on_observing(storperf):
    with Hosts(storperf, 1) as hosts:
        job = storperf.job(duration="4s", observe=entries(hosts))
        killed = storperf("run", job, "--json", STORPERF_DIE_AT="started:acted")
        assert killed.exit_code == -signal.SIGKILL
        ended = storperf("resume", "--json")
        assert ended.exit_code == 0, ended
        assert host_rows(ended)["observed-01"]["gaps_s"] == []
        hosts.assert_nothing_left()


HOW_TO = Path(__file__).parents[2] / "docs/how-to"


@fact
def the_job_of_the_how_to_page_runs_as_it_stands(storperf):
    page = (HOW_TO / "write-a-probe.md").read_text()
    job = re.search(r"```yaml\n(name: .*?)```", page, re.DOTALL)[1]
    (storperf.folder / "job.yaml").write_text(job.replace("duration: 10s", "duration: 3s"))
    ended = storperf("run", "job.yaml", "--json")
    assert ended.exit_code in {0, 3}, ended  # it has no limit to meet and no baseline yet
    assert set(figures(host_rows(ended)["agent-01"])) == {"load.one", "load.five"}


MODULE = r"""
UPTIME = {"command": ["cat", "/proc/uptime"], "pattern": r"(?P<s>[\d.]+)", "every": "500ms"}
"""


@fact
def a_probe_of_an_installed_package_is_used_by_its_name(storperf):
    packages = storperf.top / "packages"
    about = packages / "lab_probes-1.dist-info"
    about.mkdir(parents=True)
    (packages / "lab_probes.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-probes\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[storperf.probes]\nuptime = lab_probes:UPTIME\n")
    job = storperf.job(probes=["uptime"])
    ended = storperf("run", job, "--json", PYTHONPATH=str(packages))
    assert ended.exit_code == 0, ended
    assert figures(host_rows(ended)["agent-01"])["uptime.s"] > 0
    # The run keeps what the package said then.
    assert storperf("show", "last", "--json").exit_code == 0
    wrong = storperf("run", storperf.job(probes=["uptme"]), PYTHONPATH=str(packages))
    assert wrong.exit_code == 2
    assert "no probe is called 'uptme'; did you mean 'uptime'?" in wrong.stderr


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
