"""The provider `heat` against a real Heat, Nova, Cinder and Neutron whose servers are fake."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab import openstack as lab
from lab.openstack_services import Service

from storperf.errors import CloudError, Conflict, StorperfError
from storperf.heat.needs import needs_of
from storperf.jobfile.parse import parse_job
from storperf.model.host import HostTarget
from storperf.providers.heat import HeatProvider
from storperf.providers.heat_ready import Ready
from storperf.providers.provider import Errand
from storperf.settings import read_settings

pytestmark = pytest.mark.openstack(2)

JOB = """
name: lab
target: {{volume: {{size: 1G, type: {kind}}}}}
reference: {{volume: {{size: 1G, type: lab-other}}}}
workloads: [rr]
matrix: {{agents: [{agents}]}}
provider: {{kind: heat, stack: {{manager: 192.0.2.1/32, {stack}}}}}
"""
PLAIN = "image: lab-image, flavor: lab.small, network: lab-net"
EMPTY = dict.fromkeys(lab.THINGS, 0)


class Manager:
    """One run's manager, for which every server that Nova has is ready."""

    def __init__(  # noqa: PLR0913 - what differs between tests, by keyword
        self, folder, login, *, stack=PLAIN, agents=2, who="", kind="lab"
    ):
        run = folder.name.replace("_", "-") + who
        settings = read_settings({"HOME": str(folder), **login}, folder, folder)
        self.told, self.facts = [], {}
        self.job = parse_job(JOB.format(stack=stack, agents=agents, kind=kind), source="x")
        self.provider = HeatProvider(settings, self.ready)
        self._errand = {"run_id": run, "folder": folder / "runs" / run, "note": self.facts.update}
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

    def errand(self, agents, tell=None, **how):
        tell = tell or self.told.append
        return Errand(**self._errand, agents=agents, tell=tell, wait=self.ended.wait, **how)

    def acquire(self, agents=None):
        agents = agents or max(self.job.matrix.agents)
        return self.provider.acquire(self.job, self.errand(agents))

    def release(self, tell=None):
        return self.provider.release(self.job, self.errand(0, tell, creates=False))


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


def states(cloud):
    return [each["status"] for each in cloud.compute.get("/servers/detail")["servers"]]


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
    own = "own_network: {public: lab-public}, placement: spread"
    run = manager(stack=f"image: lab-image, flavor: lab.small, {own}")
    # The lab has one hypervisor, so that two agents apart are one too many.
    with pytest.raises(CloudError, match=r"No valid host|affinity"):
        run.acquire()
    assert counts(cloud)["routers"] == 1
    assert counts(cloud)["floating IPs"] >= 1
    assert run.release() == []
    assert counts(cloud) == EMPTY


def test_the_quotas_that_are_counted_and_the_role_member_are_enough(manager, cloud, login):
    own = "own_network: {public: lab-public}, placement: pack"
    run = manager(stack=f"image: lab-image, flavor: lab.small, {own}")
    needs = needs_of(run.job, run.job.provider.stack)
    # Neutron's own group comes with a project's first, and counts.
    groups = {"security groups": 2, "security group rules": 8}
    # A volume that Cinder did not make at the first try is there beside the next for a moment.
    spare = {"volumes": needs.counts["volumes"] + 1, "gigabytes": needs.counts["gigabytes"] + 1}
    given = {**needs.counts, **groups, **spare, "cores": 2, "RAM (MB)": 1024}
    lab.set_quotas(login, given)
    assert set(cloud.who().roles) == {"member", "reader"}
    assert len(run.acquire()) == 2
    hosts = {each["host_id"] for each in run.facts["stack"]["agents"].values()}
    assert len(hosts) == 1
    assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.parametrize("is_unrestricted", [False, True])
def test_an_application_credential_that_keystone_trusts_with_no_stack_is_told_so(
    tmp_path, cloud, login, is_unrestricted
):
    with lab.application_credential(login, unrestricted=is_unrestricted) as given:
        run = Manager(tmp_path, given, agents=1)
        with pytest.raises(CloudError, match="Heat makes a trust for each stack"):
            run.acquire()
        assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_a_stack_that_was_kept_is_used_by_another_run_and_stays(manager, cloud):
    maker = manager(agents=1, stack=f"{PLAIN}, keep: true", who="-1")
    maker.acquire()
    assert maker.release() == []
    (name,) = lab.left_in(cloud, "stacks")["stacks"]
    assert maker.told[-1].startswith(f"the stack {name} is kept")
    user = manager(agents=1, stack=f"{PLAIN}, attach: {name}", who="-2")
    user.acquire()
    servers = [run.facts["stack"]["agents"]["agent-01"]["server"] for run in (maker, user)]
    assert servers[0] == servers[1]
    assert user.release() == []
    assert lab.left_in(cloud, "stacks") == {"stacks": [name]}
    maker.job = manager(agents=1, who="-1").job
    assert maker.release() == []
    assert counts(cloud) == EMPTY


def test_three_agents_take_no_more_requests_than_one(manager):
    # Heat is looked at until it is done, however long that takes.
    def asked(agents, who):
        run = manager(agents=agents, who=who)
        run.acquire()
        requests = run.facts["stack"]["requests"]
        assert run.release() == []
        return {name: count for name, count in requests.items() if name != "orchestration"}

    assert asked(1, "-1") == asked(3, "-2")


def test_a_quota_that_is_too_small_is_named_and_nothing_stays(manager, cloud):
    run = manager(agents=4)
    with pytest.raises(CloudError, match=r"Quota exceeded.*instances"):
        run.acquire()
    assert run.release() == []
    assert counts(cloud) == EMPTY


def test_an_image_that_is_missing_is_named_before_anything_is_made(manager, cloud):
    run = manager(stack="image: no-such-image, flavor: lab.small, network: lab-net")
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
    thread.join(400)
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


@pytest.mark.long_lab
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


@pytest.mark.long_lab
def test_a_keystone_that_is_silent_and_then_down_for_half_a_minute_only_delays_create(
    manager, cloud
):
    run = manager()
    keystone = Service(lab.folder(), "keystone")

    def restart():
        until(lambda: lab.left_in(cloud, "ports")["ports"])
        with keystone.silent():
            time.sleep(5)
        with keystone.away():
            time.sleep(30)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        assert len(run.acquire()) == 2
    finally:
        thread.join(120)
    assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_two_managers_with_one_job_do_not_meet_and_a_name_that_is_taken_stays_its_owner_s(
    manager, cloud
):
    named = f"{PLAIN}, name: shared"
    runs = [manager(agents=1, who="-1"), manager(agents=1, stack=named, who="-2")]
    with ThreadPoolExecutor() as both:
        assert [len(places) for places in both.map(Manager.acquire, runs)] == [1, 1]
    third = manager(agents=1, stack=named, who="-3")
    with pytest.raises(Conflict, match="shared is taken by a stack that this run did not make"):
        third.acquire()
    assert third.release() == []
    assert counts(cloud)["stacks"] == counts(cloud)["servers"] == 2
    assert runs[0].release() == []
    assert lab.left_in(cloud, "stacks") == {"stacks": ["shared"]}
    assert runs[1].release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_a_volume_in_error_is_named_and_the_rest_goes(manager, cloud):
    with lab.volume_type_without_backend() as kind:
        run = manager(agents=1, kind=kind)
        with pytest.raises(CloudError, match=r"agent-01-candidate-0 \(OS::Cinder::Volume\).*error"):
            run.acquire()
        assert run.release() == []
        assert counts(cloud) == EMPTY


def test_a_flavor_that_is_too_small_is_named_and_nothing_stays(manager, cloud):
    with lab.flavor(ram=64, vcpus=1, disk=0) as small, lab.image(min_ram=512) as image:
        run = manager(stack=f"image: {image}, network: lab-net, flavor: {small}", agents=1)
        with pytest.raises(CloudError, match=r"requires 512 minimum ram\. Flavor \S+ has only 64"):
            run.acquire()
    assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_a_volume_that_is_never_attached_is_named_and_goes_once_nova_is_back(manager, cloud):
    run = manager(stack=f"{PLAIN}, create_timeout: 25s", agents=1)
    nova = Service(lab.folder(), "nova-compute")

    def stop():
        until(lambda: "ACTIVE" in states(cloud))
        os.killpg(nova.pid, signal.SIGSTOP)

    thread = threading.Thread(target=stop)
    thread.start()
    try:
        with pytest.raises(CloudError, match=r"VolumeAttachment\) is CREATE_IN_PROGRESS"):
            run.acquire()
    finally:
        thread.join(120)
        os.killpg(nova.pid, signal.SIGCONT)
    assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_a_token_that_ends_while_a_stack_is_made_and_deleted_is_replaced(manager, cloud, login):
    run = manager()
    thread = threading.Thread(
        target=lambda: (
            until(lambda: lab.left_in(cloud, "servers")["servers"]),
            lab.end_tokens(login),
        )
    )
    thread.start()
    try:
        assert len(run.acquire()) == 2
    finally:
        thread.join(120)
    assert run.release() == []
    assert counts(cloud) == EMPTY


@pytest.mark.long_lab
def test_what_fails_to_go_the_first_time_goes_the_next(manager, cloud):
    run = manager(agents=1)
    run.acquire()
    (volume, _) = run.facts["stack"]["agents"]["agent-01"]["volumes"]
    # A volume with a snapshot cannot be deleted.
    snapshot = lab.snapshot(cloud, volume["volume"])

    def tell(line):
        run.told.append(line)
        if line.startswith("deleting"):
            lab.delete_snapshot(cloud, snapshot)

    assert run.release(tell) == []
    assert [line for line in run.told if "again: " in line and volume["volume"] in line]
    assert counts(cloud) == EMPTY
