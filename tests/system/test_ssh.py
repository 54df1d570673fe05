"""Runs on hosts behind real sshd on loopback: several at once, broken, killed and resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest
from system.conftest import PROGRAM, Running
from system.leftovers import processes_of
from system.test_resume import until_journalled
from system.together import Facts
from tools.sshd import Sshd, require_sshd

from storperf.store.intervals import read_intervals

fact = Facts()


class Hosts:
    """Some servers on loopback, each with a folder for the agent and one to measure in.

    `more` is what all of them are, `last` what the last one is besides.
    """

    def __init__(self, program, count, *, last=None, **more):
        require_sshd()
        self.program = program
        self.servers = []
        for number in range(1, count + 1):
            own = {**more, **(last or {})} if number == count else more
            self.servers.append(Sshd(program.top / f"host-{number}", **own))
        for server in self.servers:
            (server.folder / "data").mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for server in self.servers:
            server.end()

    def entry(self, server, **more):
        """The server in an inventory."""
        return {
            "address": server.address,
            "name": server.folder.name,
            "port": server.port,
            "user": server.user,
            "key": str(server.client_key),
            "host_key": server.host_key,
            "folder": str(server.folder / "agent"),
            "target": {"directory": str(server.folder / "data/bench")},
            **more,
        }

    def provider(self, **more):
        """The job's provider."""
        return {"kind": "ssh", "hosts": [self.entry(server) for server in self.servers], **more}

    def job(self, **keys):
        """A job on all of them, unless `keys` say otherwise."""
        target = {"directory": "/nowhere", "size": "16M"}
        matrix = {"queue_depth": 1, "agents": [len(self.servers)]}
        return self.program.job(
            **{"provider": self.provider(), "target": target, "matrix": matrix, **keys}
        )

    def assert_nothing_left(self):
        """No run, no scratch, no process on any host."""
        for server in self.servers:
            assert list((server.folder / "data").iterdir()) == []
            left = list((server.folder / "agent").glob("*/runs/*"))
            assert left == []
        words = processes_of(self.program.top).values()
        assert [each for each in words if "agent-" in each or "fio" in each.split()[0]] == []


def supervisors(server):
    found = processes_of(server.folder)
    return [pid for pid, words in found.items() if " supervise " in words]


def assert_each_interval_once(program, document):
    """On each agent indices are 0, 1, 2 ..., and they sum up to what fio said in the end."""
    for trial in [trial for step in document["steps"] for trial in step["trials"]]:
        path = program.run_folder(document["run"]["id"]) / f"intervals/{trial['id']}.1.zip"
        table, _, _ = read_intervals(path)
        ends = trial["facts"]["ends"]
        assert set(table.agents) == set(ends)
        for number, name in enumerate(table.agents):
            rows = [row for row in range(len(table)) if table.agent[row] == number]
            assert [table.index[row] for row in rows] == list(range(len(rows)))
            assert sum(table.ios[row] for row in rows) == ends[name]["targets"][0]["ios"]["read"]
            for before, after in pairwise(rows):
                assert table.start_s[after] > table.end_s[before] - 0.25


@fact
def steps_with_more_agents_take_the_first_ones_and_sum_them_up(storperf):
    with Hosts(storperf, 3) as hosts:
        ended = storperf("run", hosts.job(matrix={"queue_depth": 1, "agents": [1, 2, 3]}), "--json")
        assert ended.exit_code == 0, ended
        one, two, three = ended.json["steps"]
        assert set(two["trials"][0]["facts"]["ends"]) == {"agent-01", "agent-02"}
        assert set(one["trials"][0]["facts"]["ends"]) == {"agent-01"}
        assert set(three["trials"][0]["facts"]["ends"]) == {"agent-01", "agent-02", "agent-03"}
        iops = {
            (step["agents"], figure["agent"]): figure["value"]
            for step in (one, three)
            for figure in step["trials"][0]["figures"]
            if figure["metric"] == "iops"
        }
        assert iops[1, "all"] == pytest.approx(500, rel=0.2)
        assert iops[3, "all"] == pytest.approx(1500, rel=0.2)
        assert {agent for _, agent in iops} == {"all", "agent-01", "agent-02", "agent-03"}
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()
        for server in hosts.servers:
            # To find out, to bring the agent; to attach, once for all steps; at the end to look.
            assert server.commands()[:3] == ["command", "subsystem", "command"]
            assert len(server.commands()) <= 4


@fact
def an_agent_that_begins_late_is_shown_and_its_step_is_not_judged(storperf):
    # fio waits at its gate by `cat`; this one needs three seconds more.
    late = storperf.top / "late"
    late.mkdir()
    (late / "cat").write_text('#!/bin/sh\n/bin/cat "$@"; sleep 3\n')
    (late / "cat").chmod(0o755)
    path = f"{late}:/usr/local/bin:/usr/bin:/bin"
    with Hosts(storperf, 2, last={"environment": {"PATH": path}}) as hosts:
        ended = storperf("run", hosts.job(duration="6s"), "--json")
        assert ended.exit_code == 3, ended
        (trial,) = ended.trials
        assert "low_overlap" in trial["flags"]
        together = trial["facts"]["together"]
        assert together["gate_skew_s"] < 0.5
        assert together["start_skew_s"] == pytest.approx(3, abs=1)
        assert together["overlap"] < 0.7
        assert (together["first_done"], together["last_done"]) == ("agent-01", "agent-02")
        run = ended.json["run"]
        assert (run["verdict"], run["reason"]) == ("inconclusive", "too_few")
        assert not ended.json["verdict"]["enters_baseline"]
        assert {check["kind"] for check in ended.json["verdict"]["checks"]} == {"gate"}
        page = (storperf.run_folder(run["id"]) / "report.html").read_text()
        for shown in (" ".join(storperf("show").stdout.split()), page):
            assert "agent-01 was done first, agent-02 last" in shown
            assert "slowest agent-0" in shown
        compared = storperf("compare", "last", "last")
        assert "the agents ran together for too short a time" in " ".join(compared.stdout.split())
        hosts.assert_nothing_left()


@fact
def hosts_may_stand_in_an_inventory_that_the_run_keeps(storperf):
    with Hosts(storperf, 1) as hosts:
        inventory = {"hosts": [hosts.entry(server) for server in hosts.servers]}
        (storperf.folder / "lab.yaml").write_text(str(inventory).replace("'", '"'))
        job = hosts.job(provider={"kind": "ssh", "inventory": "lab.yaml"})
        killed = storperf("run", job, "--json", STORPERF_DIE_AT="measure:stored")
        assert killed.exit_code == -signal.SIGKILL
        (storperf.folder / "lab.yaml").unlink()
        ended = storperf("resume", "--json")
        assert ended.exit_code == 0, ended
        hosts.assert_nothing_left()


@fact
def an_unknown_host_key_ends_the_run_before_anything_is_there(storperf):
    with Hosts(storperf, 2) as hosts:
        entries = [hosts.entry(server) for server in hosts.servers]
        del entries[1]["host_key"]
        ended = storperf("run", hosts.job(provider={"kind": "ssh", "hosts": entries}), "--json")
        assert ended.exit_code == 4, ended
        assert "shows a host key that is not known: ssh-ed25519 SHA256:" in ended.stderr
        assert "left behind" not in ended.stderr
        assert not (hosts.servers[1].folder / "agent").exists()
        hosts.assert_nothing_left()


@fact
def a_connection_that_is_reset_in_the_middle_costs_no_interval(storperf):
    with Hosts(storperf, 2) as hosts:
        running = storperf.start("run", hosts.job(duration="6s"), "--json")
        until_journalled(storperf, b'"kind":"interval"')
        assert hosts.servers[0].kill_sessions()
        ended = running.end()
        assert ended.exit_code == 0, ended
        assert "agent-01 is lost, attaching again" in ended.stderr
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


@fact
def a_server_that_is_killed_and_started_again_costs_no_interval(storperf):
    with Hosts(storperf, 2) as hosts:
        running = storperf.start("run", hosts.job(duration="8s"), "--json")
        until_journalled(storperf, b'"kind":"interval"')
        for server in hosts.servers:
            server.end()
        running.until("is lost, attaching again")
        time.sleep(2)
        for server in hosts.servers:
            server.start()
        ended = running.end()
        assert ended.exit_code == 0, ended
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


@fact
def a_run_whose_manager_was_killed_goes_on_over_ssh(storperf):
    with Hosts(storperf, 2) as hosts:
        killed = storperf("run", hosts.job(duration="5s"), STORPERF_DIE_AT="started:acted")
        assert killed.exit_code == -signal.SIGKILL
        resumed = storperf("resume", "--json")
        assert resumed.exit_code == 0, resumed
        assert [trial["attempt"] for trial in resumed.trials] == [1]
        assert_each_interval_once(storperf, resumed.json)
        hosts.assert_nothing_left()


@fact
def a_killed_agent_fails_its_trial_and_the_run_goes_on(storperf):
    with Hosts(storperf, 2) as hosts:
        job = hosts.job(
            duration="5s",
            workloads=["rr", {"name": "again", "rw": "randread", "rate_iops": 500}],
            limits=None,
        )
        running = storperf.start("run", job, "--json")
        until_journalled(storperf, b'"kind":"interval"')
        for pid in supervisors(hosts.servers[1]):
            os.kill(pid, signal.SIGKILL)
        ended = running.end()
        assert ended.exit_code == 4, ended
        first, second = ended.trials
        assert (first["end"], second["end"]) == ("failed", "completed")
        assert first["end_reason"] == "agent-02: the agent's process died"
        assert ended.json["run"]["verdict"] == "inconclusive"
        hosts.assert_nothing_left()


@fact
def two_agents_on_one_host_exclude_each_other_from_one_target(storperf):
    with Hosts(storperf, 1) as hosts:
        (server,) = hosts.servers
        twice = [hosts.entry(server), hosts.entry(server)]
        matrix = {"queue_depth": 1, "agents": [2]}
        job = hosts.job(provider={"kind": "ssh", "hosts": twice}, matrix=matrix)
        ended = storperf("run", job, "--json")
        assert ended.exit_code == 4, ended
        assert "is in use by another run" in ended.stderr
        hosts.assert_nothing_left()


@fact
def a_static_fio_is_brought_to_hosts_that_have_none(storperf):
    with Hosts(storperf, 1) as hosts:
        provider = hosts.provider(fio_binary="/usr/bin/fio", fio="no-such-fio")
        ended = storperf("run", hosts.job(provider=provider), "--json")
        assert ended.exit_code == 0, ended
        (argvs,) = ended.trials[0]["facts"]["argv"].values()
        assert argvs[0][0].startswith(f"{hosts.servers[0].folder}/agent/fio-")
        # With `remove_agent` it goes again, with all that was brought.
        job = hosts.job(name="tidy", provider={**provider, "remove_agent": True})
        ended = storperf("run", job, "--json")
        assert ended.exit_code == 0, ended
        assert {path.name for path in hosts.servers[0].folder.iterdir()} >= {"data"}
        assert not (hosts.servers[0].folder / "agent").exists()


@fact
def a_trial_on_several_hosts_ends_for_all_when_their_sum_is_known(storperf):
    until = {"confident": {"half_width": "10%", "at_least": 50}, "at_most": "120s"}
    with Hosts(storperf, 2) as hosts:
        job = hosts.job(duration=None, until=until, interval="100ms")
        ended = storperf("run", job, "--json")
        (trial,) = ended.trials
        assert trial["end"] == "confident", ended
        assert trial["ended_s"] - trial["started_s"] < 60
        hosts.assert_nothing_left()


@fact
def a_check_says_what_each_host_has_and_leaves_nothing(storperf):
    with Hosts(storperf, 2) as hosts:
        entries = [hosts.entry(server) for server in hosts.servers]
        (storperf.folder / "lab.yaml").write_text(json.dumps({"hosts": entries}))
        ended = storperf("agent", "check", "--inventory", "lab.yaml", "--json")
        assert ended.exit_code == 0, ended
        for found in ended.json["hosts"]:
            assert (found["fault"], found["lacks"], found["host_key"]) == (None, [], "known")
            assert abs(found["clock_offset_s"]) <= found["clock_uncertainty_s"] + 0.01
            assert found["facts"]["fio"]["version"].startswith("fio-3")
            assert found["facts"]["folder"]["free_bytes"] > 0
        hosts.assert_nothing_left()
        table = storperf("agent", "check", "host-1", "--inventory", "lab.yaml")
        assert table.exit_code == 0, table
        assert "ok" in table.stdout
        for word in ("host key", "Python", "fio-3", "free at", "clock", "  target"):
            assert word in table.stdout
        unknown = storperf("agent", "check", "host-7", "--inventory", "lab.yaml")
        assert unknown.exit_code == 2
        assert "has no host 'host-7'; did you mean 'host-" in unknown.stderr


@fact
def a_check_tells_one_host_s_fault_beside_the_others_facts(storperf):
    with Hosts(storperf, 3) as hosts:
        entries = [hosts.entry(server) for server in hosts.servers]
        del entries[0]["host_key"]
        hosts.servers[2].end()
        (storperf.folder / "lab.yaml").write_text(json.dumps({"hosts": entries}))
        ended = storperf("agent", "check", "--inventory", "lab.yaml", "--json")
        assert ended.exit_code == 4, ended
        refused, good, gone = ended.json["hosts"]
        assert refused["host_key"] == "refused"
        assert "SHA256:" in refused["fault"]
        assert (good["exit_code"], good["fault"]) == (0, None)
        assert "Connection refused" in gone["fault"]
        assert gone["host_key"] == "not_seen"
        hosts.assert_nothing_left()


@fact
def a_host_without_a_usable_fio_lacks_it(storperf):
    path = storperf.top / "bin"
    path.mkdir()
    for name in ("sh", "python3"):
        (path / name).symlink_to(shutil.which(name, path="/usr/bin:/bin:/usr/local/bin"))
    with Hosts(storperf, 1, environment={"PATH": str(path)}) as hosts:
        entries = [hosts.entry(server) for server in hosts.servers]
        (storperf.folder / "lab.yaml").write_text(json.dumps({"hosts": entries}))
        ended = storperf("agent", "check", "--inventory", "lab.yaml")
        assert ended.exit_code == 3, ended
        assert "no usable fio: fio: No such file or directory" in ended.stdout
        gizmo = Path(storperf.lying_fio(version="gizmo 1")["fio"])
        (path / "fio").write_text(f'#!/bin/sh\nexec {gizmo} "$@"\n')
        (path / "fio").chmod(0o755)
        ended = storperf("agent", "check", "--inventory", "lab.yaml")
        assert ended.exit_code == 3, ended
        assert "no usable fio: --version says 'gizmo 1'" in ended.stdout


@fact
def a_check_of_nobody_is_a_usage_error(storperf):
    ended = storperf("agent", "check")
    assert ended.exit_code == 2
    assert "name at least one host" in ended.stderr


class Cable:
    """Two network namespaces of the test's own, joined by a pair of devices.

    This host's own network is not touched: the manager runs in one, the server in the other.
    """

    def __init__(self):
        self.near, self.far = f"storperf-n{os.getpid()}", f"storperf-f{os.getpid()}"

    def __enter__(self):
        try:
            for name in (self.near, self.far):
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            ip(
                "-n",
                self.near,
                "link",
                "add",
                "near",
                "type",
                "veth",
                "peer",
                "far",
                "netns",
                self.far,
            )
            for name, device, address in (
                (self.near, "near", "192.0.2.1/30"),
                (self.far, "far", "192.0.2.2/30"),
            ):
                ip("-n", name, "addr", "add", address, "dev", device)
                ip("-n", name, "link", "set", device, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error):
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def pull(self):
        """Lose every packet from now on."""
        ip("-n", self.far, "link", "set", "far", "down")

    def plug_in(self):
        """Let them through again."""
        ip("-n", self.far, "link", "set", "far", "up")

    def slow_down(self):
        """1 Mbit/s in both directions from now on."""
        for name, device in ((self.near, "near"), (self.far, "far")):
            shape = ("tbf", "rate", "1mbit", "burst", "16kb", "latency", "400ms")
            argv = ["tc", "-n", name, "qdisc", "add", "dev", device, "root", *shape]
            done = subprocess.run(argv, check=False, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"this kernel cannot slow a link down: {done.stderr}")


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def cable():
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and iproute2 for a network namespace")
    with Cable() as found:
        yield found


def run_over(cable, storperf, hosts, **keys):
    """Start a run whose manager is at the near end of the cable."""
    argv = ("ip", "netns", "exec", cable.near, str(PROGRAM), "run", hosts.job(**keys), "--json")
    return Running(argv, storperf.folder, storperf.environment)


def hosts_over(cable, storperf):
    return Hosts(storperf, 1, address="192.0.2.2", inside=("ip", "netns", "exec", cable.far))


@pytest.mark.parametrize("silence_s", [15, pytest.param(60, marks=pytest.mark.all_only)])
def test_a_network_that_loses_everything_for_a_while_costs_no_interval(storperf, cable, silence_s):
    with hosts_over(cable, storperf) as hosts:
        running = run_over(cable, storperf, hosts, duration=f"{silence_s + 5}s", interval="250ms")
        until_journalled(storperf, b'"kind":"interval"')
        cable.pull()
        time.sleep(silence_s)
        cable.plug_in()
        ended = running.end(timeout_s=silence_s + 120)
        assert ended.exit_code == 0, ended
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


def test_a_link_of_1_mbit_costs_no_interval(storperf, cable):
    cable.slow_down()
    with hosts_over(cable, storperf) as hosts:
        ended = run_over(cable, storperf, hosts, duration="5s", interval="250ms").end()
        assert ended.exit_code == 0, ended
        assert_each_interval_once(storperf, ended.json)
        hosts.assert_nothing_left()


@pytest.mark.parametrize("name", fact)
def test_that(name, facts):
    facts[name].result()
