"""The provider `heat` against a real Heat, Nova, Cinder and Neutron whose servers are fake."""

from __future__ import annotations

import re
import threading
import time

import pytest
from lab import openstack as lab
from lab.openstack_services import Service

from storperf.errors import CloudError, StorperfError
from storperf.jobfile.parse import parse_job
from storperf.model.host import HostTarget
from storperf.providers.heat import HeatProvider
from storperf.providers.heat_ready import Ready
from storperf.providers.provider import Errand
from storperf.settings import read_settings

pytestmark = pytest.mark.openstack(2)

JOB = """
name: lab
target: {{volume: {{size: 1G, type: lab}}}}
reference: {{volume: {{size: 1G, type: lab-other}}}}
workloads: [rr]
matrix: {{agents: [{agents}]}}
provider: {{kind: heat, stack: {{flavor: lab.small, manager: 192.0.2.1/32, {stack}}}}}
"""
PLAIN = "image: lab-image, network: lab-net"
EMPTY = dict.fromkeys(lab.THINGS, 0)


class Manager:
    """One run's manager, for which every server that Nova has is ready."""

    def __init__(self, folder, login, *, stack=PLAIN, agents=2):
        run = folder.name.replace("_", "-")
        settings = read_settings({"HOME": str(folder), **login}, folder, folder)
        self.told, self.facts = [], {}
        self.job = parse_job(JOB.format(stack=stack, agents=agents), source="x")
        self.provider = HeatProvider(settings, self.ready)
        self._errand = {"run_id": run, "folder": folder / "run", "note": self.facts.update}
        self.ended = threading.Event()

    @staticmethod
    def ready(wanted, *_how, **_more):
        return {
            each.name: Ready(
                targets=tuple(HostTarget(path="/dev/x", serial=v[:20]) for v, _ in each.volumes),
                fault=None,
            )
            for each in wanted
        }

    def errand(self, agents, **how):
        return Errand(
            **self._errand, agents=agents, tell=self.told.append, wait=self.ended.wait, **how
        )

    def acquire(self, agents=None):
        agents = agents or max(self.job.matrix.agents)
        return self.provider.acquire(self.job, self.errand(agents))

    def release(self):
        return self.provider.release(self.job, self.errand(0, creates=False))


@pytest.fixture
def login():
    """Of a project of the test's own, which nobody else counts in."""
    with lab.project(instances=3) as login:
        yield login


@pytest.fixture
def cloud(login):
    return lab.cloud_of(login)


@pytest.fixture
def manager(tmp_path, login):
    """Makes the test's manager; what it made is gone after the test, however that ended."""
    made = []

    def make(**how):
        made.append(Manager(tmp_path, login, **how))
        return made[-1]

    yield make
    for each in made:
        assert each.release() == []


def counts(cloud):
    return {name: len(found) for name, found in lab.left_in(cloud).items()}


def until(is_so):
    give_up_s = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.2)


def test_a_stack_grows_without_touching_what_is_there_and_goes_with_all_it_had(manager, cloud):
    run = manager(agents="1, 3")
    (first,) = run.acquire(1)
    server = run.facts["stack"]["agents"]["agent-01"]["server"]
    places = run.acquire(3)
    assert [place.name for place in places] == ["agent-01", "agent-02", "agent-03"]
    assert run.facts["stack"]["agents"]["agent-01"]["server"] == server
    assert places[0].targets(run.job) == first.targets(run.job)
    made = {"stacks": 1, "servers": 3, "key pairs": 1, "volumes": 6, "ports": 3}
    assert counts(cloud) == {**EMPTY, **made}
    kinds = [each["type"] for each in run.facts["stack"]["agents"]["agent-03"]["volumes"]]
    assert kinds == ["lab", "lab-other"]
    assert run.release() == []
    assert counts(cloud) == EMPTY


def test_an_own_network_has_a_router_and_floating_ips_and_all_of_it_goes(manager, cloud):
    run = manager(stack="image: lab-image, own_network: {public: lab-public}, placement: spread")
    # The lab has one hypervisor, so that two agents apart are one too many.
    with pytest.raises(CloudError, match=r"No valid host|affinity"):
        run.acquire()
    assert counts(cloud)["routers"] == 1
    assert counts(cloud)["floating IPs"] >= 1
    assert run.release() == []
    assert counts(cloud) == EMPTY


def test_a_quota_that_is_too_small_is_named_and_nothing_stays(manager, cloud):
    run = manager(agents=4)
    with pytest.raises(CloudError, match=r"Quota exceeded.*instances"):
        run.acquire()
    assert run.release() == []
    assert counts(cloud) == EMPTY


def test_an_image_that_is_missing_is_named_before_anything_is_made(manager, cloud):
    run = manager(stack="image: no-such-image, network: lab-net")
    with pytest.raises(CloudError, match="no-such-image"):
        run.acquire()
    assert counts(cloud) == EMPTY


def test_a_stack_that_somebody_else_deletes_is_told_of(manager, cloud):
    run = manager()
    faults = []

    def acquire():
        try:
            run.acquire()
        except StorperfError as error:
            faults.append(error.message)

    thread = threading.Thread(target=acquire)
    thread.start()
    name = f"storperf-{run.errand(0).run_id}"
    until(lambda: name in lab.left_in(cloud, "stacks")["stacks"])
    stack = cloud.orchestration.get(f"/stacks/{name}")["stack"]["id"]
    cloud.orchestration.delete(f"/stacks/{name}/{stack}")
    thread.join(120)
    assert len(faults) == 1
    assert re.search(r"deleted by somebody else|has it no more", faults[0])


def killed_once(name, when, away_s=5):
    """A thread in which a service is killed at a moment, and started again."""

    def restart():
        until(when)
        with Service(lab.folder(), name).away():
            time.sleep(away_s)

    thread = threading.Thread(target=restart)
    thread.start()
    return thread


def test_a_heat_engine_that_is_killed_only_delays_create_and_delete(manager, cloud):
    run = manager(stack=f"{PLAIN}, stall_timeout: 10s")
    first = killed_once("heat-engine", lambda: lab.left_in(cloud, "servers")["servers"])
    try:
        assert len(run.acquire()) == 2
    finally:
        first.join(120)
    made = {"stacks": 1, "servers": 2, "key pairs": 1, "volumes": 4, "ports": 2}
    assert counts(cloud) == {**EMPTY, **made}
    second = killed_once("heat-engine", lambda: len(lab.left_in(cloud, "servers")["servers"]) < 2)
    try:
        assert run.release() == []
    finally:
        second.join(120)
    assert counts(cloud) == EMPTY


def test_a_keystone_that_is_silent_during_create_only_delays_it(manager, cloud):
    run = manager()

    def restart():
        until(lambda: lab.left_in(cloud, "ports")["ports"])
        with Service(lab.folder(), "keystone").silent():
            time.sleep(5)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        assert len(run.acquire()) == 2
    finally:
        thread.join(120)
