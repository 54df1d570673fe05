"""What goes wrong with real guests while a step runs on them, told as it is, and nothing left.

One stack serves every fault: it is kept, and each test attaches a run of its own to it.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager

import pytest
from lab import openstack as lab
from system.test_resume import until_journalled

pytestmark = [pytest.mark.openstack(3), pytest.mark.long_lab]

# Guests are emulated: what takes seconds elsewhere takes minutes here.
BOOT_S = 900.0
INTERVAL = b'"kind":"interval"'
# Longer than the boot of a guest, so that one that comes back is waited for.
STACK = {
    "image": "lab-image",
    "flavor": "lab.small",
    "network": "lab-net",
    "ready_timeout": "15m",
}


class Guests:
    """A stack of two agents that a run has kept, and the project that it is in."""

    def __init__(self, program, login):
        self.program = program
        self.cloud = lab.cloud_of(login)
        self.facts = {}
        program.environment.update(login)

    def make(self):
        first = self.program("run", "--keep", self.job("first"), "--json", timeout_s=BOOT_S)
        assert first.exit_code in {0, 3}, first
        self.facts = first.json["run"]["facts"]["stack"]

    def job(self, name, seconds=5, **provider):
        return self.program.job(
            name=name,
            target={"volume": {"size": "1G", "type": "lab"}},
            workloads=[{"name": "rr", "rw": "randread", "rate_iops": 20}],
            matrix={"agents": 2, "queue_depth": 1},
            precondition={"fill": False},
            duration=f"{seconds}s",
            provider={"kind": "heat", "stack": STACK, **provider},
        )

    def attach(self, job):
        """A run on the stack, once both agents have told of a first interval."""
        before = self.program.results.rglob("*.journal")
        journals = sum(INTERVAL in path.read_bytes() for path in before)
        running = self.program.start("heat", "attach", self.facts["name"], job, "--json")
        until_journalled(self.program, INTERVAL, BOOT_S, journals + 2)
        return running

    def server(self, agent):
        return self.facts["agents"][agent]["server"]

    def act(self, agent, **action):
        """One of Nova's actions on a server."""
        self.cloud.compute.post(f"/servers/{self.server(agent)}/action", action)

    def until(self, agent, status):
        give_up_s = time.monotonic() + BOOT_S
        path = f"/servers/{self.server(agent)}"
        while self.cloud.compute.get(path)["server"]["status"] != status:
            assert time.monotonic() < give_up_s, f"{agent} is never {status}"
            time.sleep(0.2)

    @contextmanager
    def cut_off(self, agent):
        """The guest's port hears and says nothing; its machine is well."""
        ports = self.cloud.network.get("/ports", device_id=self.server(agent))["ports"]
        (tap,) = (f"tap{port['id'][:11]}" for port in ports)
        subprocess.run(["ip", "link", "set", tap, "down"], check=True)
        try:
            yield
        finally:
            subprocess.run(["ip", "link", "set", tap, "up"], check=True)


@pytest.fixture(scope="module")
def guests(make_program, tmp_path_factory):
    program = make_program(tmp_path_factory.mktemp("guests"))
    with lab.project(instances=5) as login:
        guests = Guests(program, login)
        try:
            guests.make()
            yield guests
        finally:
            cleaned = program("cleanup", "--kept", "--json", timeout_s=240)
        assert cleaned.exit_code == 0, cleaned
        left = lab.left_in(guests.cloud)
        assert not any(left.values()), left


def test_a_kept_stack_serves_another_run_and_stays(guests):
    job = guests.job("second")
    second = guests.program("heat", "attach", guests.facts["name"], job, "--json", timeout_s=BOOT_S)
    assert second.exit_code in {0, 3}, second
    found = second.json["run"]["facts"]["stack"]
    assert found["id"] == guests.facts["id"]
    assert found["agents"] == guests.facts["agents"]
    assert all(trial["figures"] for trial in second.trials)
    cleaned = guests.program("cleanup", "--json")
    assert [each["whose"] for each in cleaned.json["found"] if each["kind"] == "stack"] == ["kept"]
    assert lab.left_in(guests.cloud, "stacks") == {"stacks": [guests.facts["name"]]}


def test_an_agent_whose_network_comes_back_in_time_is_whole(guests):
    running = guests.attach(guests.job("short-cut", seconds=30))
    with guests.cut_off("agent-02"):
        time.sleep(20)
    ended = running.end(BOOT_S)
    assert ended.exit_code in {0, 3}, ended
    [trial] = ended.trials
    assert (trial["end"], "partial" in trial["flags"]) == ("completed", False)
    assert {each["agent"] for each in trial["figures"]} == {"all", "agent-01", "agent-02"}


def test_a_network_that_stays_cut_ends_the_run_and_says_who_is_gone(guests):
    # The lease is over before the next run comes: what is cut off must let go of its target.
    job = guests.job("long-cut", seconds=1200, patience="5s", lease="10s")
    running = guests.attach(job)
    with guests.cut_off("agent-02"):
        ended = running.end(BOOT_S)
    assert ended.exit_code == 4, ended
    assert ended.json["run"]["reason"] == "invalid"
    [trial] = ended.trials
    assert trial["end"] == "failed"
    assert trial["end_reason"].startswith("agent-02: ")
    # The other one is not measured on for nothing.
    assert trial["ended_s"] - trial["started_s"] < 600
    assert any(each.startswith("agent-02") for each in ended.json["run"]["facts"]["left_behind"])


def test_the_rest_goes_on_without_a_server_that_is_shut_off(guests):
    # It takes its time to shut down.
    job = guests.job("shut-off", seconds=90, patience="5s", on_lost_agent="go_on")
    running = guests.attach(job)
    guests.act("agent-02", **{"os-stop": None})
    try:
        ended = running.end(BOOT_S)
    finally:
        guests.until("agent-02", "SHUTOFF")
        guests.act("agent-02", **{"os-start": None})
        guests.until("agent-02", "ACTIVE")
    assert ended.exit_code == 4, ended
    [trial] = ended.trials
    assert (trial["end"], "partial" in trial["flags"]) == ("completed", True)
    assert {each["agent"] for each in trial["figures"]} == {"all", "agent-01"}
    assert list(ended.json["run"]["facts"]["lost_agents"]) == ["agent-02"]


def test_a_server_that_is_rebooted_in_a_step_ends_the_run_and_serves_the_next_one(guests):
    running = guests.attach(guests.job("rebooted", seconds=60))
    guests.act("agent-02", reboot={"type": "HARD"})
    ended = running.end(BOOT_S)
    assert ended.exit_code == 4, ended
    [trial] = ended.trials
    assert trial["end"] == "failed"
    assert trial["end_reason"].startswith("agent-02")
    # The same host key as before: a guest that boots again is no stranger.
    after = guests.program(
        *("heat", "attach", guests.facts["name"], guests.job("after-reboot"), "--json"),
        timeout_s=BOOT_S,
    )
    assert after.exit_code in {0, 3}, after
