"""A whole job on real guests: the agent image boots by itself, fio runs on volumes of Ceph.

Guests are emulated and take a minute and a half to boot, so that one run proves all of it.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lab import openstack as lab

pytestmark = pytest.mark.openstack(3)

BOOT_S = 900.0


def image():
    """The agent image that the lab was made with."""
    return Path(os.environ["LAB_IMAGE"]) / "storperf-agent.qcow2"


def until_deleting(cloud):
    """Return while Heat takes the project's stack down."""
    give_up_s = time.monotonic() + BOOT_S
    while time.monotonic() < give_up_s:
        stacks = cloud.orchestration.get("/stacks")["stacks"]
        if any(each["stack_status"] == "DELETE_IN_PROGRESS" for each in stacks):
            return
        time.sleep(0.05)
    raise AssertionError("no stack was ever deleted")


def work(storperf, name, **keys):
    """A job of one agent on guests of the lab."""
    stack = {
        "image": "lab-image",
        "flavor": "lab.small",
        "network": "lab-net",
        "ready_timeout": "15m",
    }
    return storperf.job(
        name=name,
        target={"volume": {"size": "1G", "type": "lab"}},
        matrix={"agents": 1, "queue_depth": 1},
        provider={"kind": "heat", "stack": stack},
        **keys,
    )


def killed(running, text):
    """SIGKILL to the manager once it has said something."""
    running.until(text, BOOT_S)
    running.process.kill()
    running.process.wait()
    return running


@pytest.fixture
def cloud():
    return lab.cloud()


def test_a_run_killed_in_every_phase_comes_to_its_verdict_and_leaves_nothing(storperf, cloud):
    storperf.environment.update(lab.environment())
    name = f"agent-{storperf.top.name}"[:60]
    uploaded = storperf("heat", "image", "upload", image(), "--name", name, "--json")
    assert uploaded.exit_code == 0, uploaded
    stack = {
        "image": name,
        "flavor": "lab.small",
        "network": "lab-net",
        "ready_timeout": "15m",
    }
    job = storperf.job(
        name="guests",
        target={"volume": {"size": "1G", "type": "lab"}},
        matrix={"agents": 2, "queue_depth": 1},
        duration="10s",
        provider={"kind": "heat", "stack": stack},
    )
    assert storperf("heat", "check", job).exit_code == 0

    # Provision, then precondition, then measure: each by another manager.
    killed(storperf.start("run", job, "--json"), "creating the stack")
    killed(storperf.start("resume", "last", "--json"), "filling the target: started")
    killed(storperf.start("resume", "last", "--json"), "rr-bs4k-qd1-nj1-a2: started")
    last = storperf.start("resume", "last", "--json")
    until_deleting(cloud)
    last.process.kill()
    last.process.wait()
    ended = storperf("resume", "last", "--json", timeout_s=BOOT_S)

    assert ended.exit_code in {0, 3}, ended
    assert ended.json["verdict"]["outcome"] in {"pass", "inconclusive"}
    [trial] = ended.trials
    assert trial["end"] in {"completed", "steady"}
    left = lab.left_in(cloud)
    assert not any(left.values()), left
    cloud.image.delete(f"/images/{uploaded.json['id']}")
    cleaned = storperf("cleanup", "--json")
    assert (cleaned.exit_code, cleaned.json["found"]) == (0, [])


def test_managers_killed_at_work_on_guests_leave_nothing_to_cleanup(storperf):
    with lab.project(instances=5) as login:
        cloud = lab.cloud_of(login)
        storperf.environment.update(login)
        unfilled = {"precondition": {"fill": False}}
        filling = storperf.start("run", work(storperf, "filling"))
        measuring = work(storperf, "measuring", duration="10m", **unfilled)
        measuring = storperf.start("run", measuring)
        deleting = storperf.start("run", work(storperf, "deleting", **unfilled))
        with ThreadPoolExecutor() as pool:
            pool.submit(killed, filling, "filling the target: started")
            pool.submit(killed, measuring, "-a1: started")
            until_deleting(cloud)
            deleting.process.kill()
            deleting.process.wait()

        cleaned = storperf("cleanup", "--json", timeout_s=BOOT_S)
        assert cleaned.exit_code == 0, cleaned
        assert len(cleaned.json["ended"]) == 3
        left = lab.left_in(cloud)
        assert not any(left.values()), left


def test_the_hypervisors_own_disk_is_made_mounted_and_measured(storperf):
    size = {"ram": 512, "vcpus": 1, "disk": 2, "OS-FLV-EXT-DATA:ephemeral": 1}
    with lab.project() as login, lab.flavor(**size) as flavor:
        cloud = lab.cloud_of(login)
        storperf.environment.update(login)
        stack = {
            "image": "lab-image",
            "flavor": flavor,
            "network": "lab-net",
            "ephemeral": "1G",
            "ready_timeout": "15m",
        }
        job = storperf.job(
            name="own-disk",
            target={"directory": "/mnt", "size": "64M"},
            matrix={"agents": 1, "queue_depth": 1},
            provider={"kind": "heat", "stack": stack},
        )
        ended = storperf("run", job, "--json", timeout_s=BOOT_S)
        assert ended.exit_code in {0, 3}, ended
        (target,) = ended.json["environment"]["agent-01"]["targets"]
        assert target["device_name"] != "vda"
        assert not target["journal_on_target"]
        left = lab.left_in(cloud)
        assert not any(left.values()), left
