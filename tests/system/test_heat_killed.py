"""Managers that are killed, in a real OpenStack with fake servers: `cleanup` leaves nothing."""

from __future__ import annotations

import time

import pytest
from lab import openstack as lab

pytestmark = [pytest.mark.openstack(2), pytest.mark.long_lab]

STACK = {
    "image": "lab-image",
    "flavor": "lab.small",
    "network": "lab-net",
    "manager": "192.0.2.1/32",
}


@pytest.fixture
def login():
    """Of a project of the test's own, which nobody else counts in."""
    with lab.project(instances=5) as login:
        yield login


@pytest.fixture
def cloud(login):
    return lab.cloud_of(login)


def job(storperf, name, **stack):
    return storperf.job(
        name=name,
        target={"volume": {"size": "1G", "type": "lab"}},
        matrix={"agents": 1, "queue_depth": 1},
        provider={"kind": "heat", "stack": {**STACK, **stack}},
    )


def until_deleting(cloud):
    """Return while Heat takes a stack of the project down."""
    give_up_s = time.monotonic() + 120
    while time.monotonic() < give_up_s:
        stacks = cloud.orchestration.get("/stacks")["stacks"]
        if any(each["stack_status"] == "DELETE_IN_PROGRESS" for each in stacks):
            return
        time.sleep(0.05)
    raise AssertionError("no stack was ever deleted")


def kill(running):
    running.process.kill()
    running.process.wait()


def test_managers_killed_while_they_make_wait_for_and_delete_a_stack_leave_nothing_to_cleanup(
    storperf, login, cloud
):
    storperf.environment.update(login)
    making = storperf.start("run", job(storperf, "making"))
    waiting = storperf.start("run", job(storperf, "waiting"))
    making.until("creating the stack")
    kill(making)
    # Nova's servers are none, so that nobody answers from here on.
    waiting.until("1/1 servers up, 1/1 volumes attached")
    kill(waiting)
    deleting = storperf.start("run", job(storperf, "deleting", ready_timeout="2s"))
    until_deleting(cloud)
    kill(deleting)

    cleaned = storperf("cleanup", "--json", timeout_s=240)
    assert cleaned.exit_code == 0, cleaned
    assert len(cleaned.json["ended"]) == 3
    assert not any(lab.left_in(cloud).values())
    again = storperf("cleanup", "--json")
    assert (again.exit_code, again.json["found"], again.json["ended"]) == (0, [], [])


def test_heat_itself_finds_nothing_wrong_with_the_template_and_makes_nothing(
    storperf, login, cloud
):
    storperf.environment.update(login)
    good = storperf("heat", "template", "--validate", job(storperf, "good"), "--json")
    assert good.exit_code == 0, good
    assert "agent-01" in good.json["template"]["resources"]
    assert not any(lab.left_in(cloud).values())
