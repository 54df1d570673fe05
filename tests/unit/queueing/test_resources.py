"""What two runs must not use at once, by whatever name they call it."""

from __future__ import annotations

import json

import pytest

from storperf.jobfile.parse import parse_job
from storperf.model.job import Origin
from storperf.plan import plan_job
from storperf.queueing.resources import resources_of


def job(origin=Origin.TRUSTED, **keys):
    text = {
        "name": "nightly",
        "target": {"directory": "/scratch", "size": "16M"},
        "workloads": ["rr"],
        **keys,
    }
    if origin is Origin.UNTRUSTED:
        text["target"] = {"directory": "scratch", "size": "16M"}
    return parse_job(json.dumps(text), source="a job", origin=origin)


def resources(address_of=lambda host: host.address, **keys):
    return resources_of(job(**keys), address_of)


def ssh(*hosts, **more):
    return {"provider": {"kind": "ssh", "hosts": list(hosts), **more}}


def test_a_local_job_uses_this_machine_whatever_its_target():
    assert resources() == ("host:local",)
    assert resources(target={"directory": "/other", "size": "1M"}) == ("host:local",)


def test_a_host_is_one_however_it_is_logged_in_to():
    found = resources(**ssh({"address": "Node1.lab", "user": "a", "port": 2222}, "10.0.0.7"))
    assert found == ("host:10.0.0.7", "host:node1.lab")


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_a_loop_to_this_machine_is_this_machine(address):
    assert resources(**ssh(address)) == ("host:local",)


def test_an_address_has_one_form():
    assert resources(**ssh("2001:DB8:0::1")) == ("host:2001:db8::1",)


def test_an_alias_is_the_host_that_it_stands_for():
    alias = {"node1": "10.0.0.1"}
    found = resources(lambda host: alias.get(host.address, host.address), **ssh("node1"))
    assert found == resources(**ssh("10.0.0.1")) == ("host:10.0.0.1",)


def test_remote_targets_are_the_servers_behind_them():
    nbd = resources(target={"nbd": "nbd://store.lab:10809/x", "size": "1M", "destroy": True})
    assert nbd == ("host:local", "nbd:store.lab")
    image = {"pool": "bench", "image": "one"}
    assert resources(target={"rbd": image, "size": "1M", "destroy": True}) == (
        "host:local",
        "rbd:ceph",
    )


@pytest.mark.parametrize("origin", Origin)
def test_a_job_may_name_more(origin):
    named = job(origin, resources=["lab-a-ceph", "rack 7"])
    assert named.resources == ("lab-a-ceph", "rack 7")
    assert "lab-a-ceph" in resources_of(named, lambda host: host.address)
    assert "lab-a-ceph" in named.text


def test_a_named_resource_changes_nothing_of_what_is_measured():
    fingerprints = {
        plan_job(each).steps[0].fingerprint for each in (job(), job(resources="lab-a-ceph"))
    }
    assert len(fingerprints) == 1
