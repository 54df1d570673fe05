"""What a job takes from a project, and from a cloud's facts to findings."""

from __future__ import annotations

import copy

import pytest

from storperf.heat.fitness import cloud_findings
from storperf.heat.needs import needs_of
from storperf.jobfile.parse import parse_job
from storperf.model.finding import Level

JOB = """
name: cloud
target: {{volume: {{size: 10G, type: fast, count: 2}}}}
workloads: [rr]
matrix: {{agents: [1, 3]}}
provider:
  kind: heat
  stack: {{image: agent, flavor: small, {stack}}}
"""
FACTS = {
    "source": "the environment (OS_*)",
    "region": "north",
    "who": {"user": "nina", "project": "storage", "roles": ("member",)},
    "versions": {"orchestration": "1.0", "compute": {"fault": "away"}},
    "hot": ["2016-10-14", "2018-08-31"],
    "image": [
        {
            "id": "i1",
            "status": "active",
            "size": 1 << 20,
            "virtual_size": 1500 << 20,
            "min_disk": 2,
            "min_ram": 384,
            "checksum": "c0ffee",
        }
    ],
    "flavor": [
        {"id": "f1", "vcpus": 2, "ram": 512, "disk": 2, "OS-FLV-EXT-DATA:ephemeral": 0},
    ],
    "volume_types": {"names": ["fast", "slow"], "default": "slow"},
    "zones": ["one"],
    "networks": {
        "net": [
            {
                "id": "n1",
                "admin_state_up": True,
                "router:external": False,
                "subnets": [
                    {
                        "id": "s1",
                        "name": "sub",
                        "cidr": "10.0.0.0/24",
                        "allocation_pools": [{"start": "10.0.0.10", "end": "10.0.0.19"}],
                    }
                ],
            }
        ]
    },
    "quotas": {
        "compute": {
            "instances": {"limit": 10, "used": 2},
            "cores": {"limit": 20, "used": 0},
            "RAM (MB)": {"limit": -1, "used": 9},
            "server groups": {"limit": 0, "used": 0},
        },
        "volume": {
            "volumes": {"limit": 6, "used": 0},
            "gigabytes": {"limit": 60, "used": 0},
        },
        "network": {"ports": {"limit": 3, "used": 0}, "floating IPs": {"limit": 0, "used": 0}},
    },
}


def job(stack="network: net"):
    return parse_job(JOB.format(stack=stack), source="cloud.yaml")


def problems(stack="network: net", **changes):
    """The findings in the way, by check."""
    asked = job(stack)
    wish = asked.provider.stack
    facts = {**copy.deepcopy(FACTS), **changes}
    found = list(cloud_findings(facts, wish, needs_of(asked, wish), "2018-08-31"))
    assert all(each.remedy for each in found if each.level is not Level.OK)
    return {each.check: each.found for each in found if each.is_in_the_way}


def test_needs_are_those_of_the_largest_step():
    asked = job()
    needs = needs_of(asked, asked.provider.stack)
    assert needs.agents == 3
    assert needs.volume_types == {"fast": (6, 60)}
    assert needs.counts["ports"] == 3
    assert needs.counts["floating IPs"] == 0
    assert needs.counts["server groups"] == 0


def test_an_own_network_takes_a_router_and_a_floating_ip_for_each_agent():
    asked = job("own_network: {public: net}")
    counts = needs_of(asked, asked.provider.stack).counts
    assert counts["routers"] == counts["networks"] == counts["subnets"] == 1
    assert counts["floating IPs"] == 3
    assert counts["ports"] > 3


def test_a_cloud_that_has_just_enough_is_fit():
    assert problems() == {}


@pytest.mark.parametrize(
    ("service", "quota", "limit", "said"),
    [
        ("compute", "instances", 4, "3 needed, 2 free (2 of 4 used)"),
        ("compute", "cores", 5, "6 needed, 5 free (0 of 5 used)"),
        ("compute", "RAM (MB)", 1544, "1536 needed, 1535 free (9 of 1544 used)"),
        ("volume", "volumes", 5, "6 needed, 5 free (0 of 5 used)"),
        ("volume", "gigabytes", 59, "60 needed, 59 free (0 of 59 used)"),
        ("network", "ports", 2, "3 needed, 2 free (0 of 2 used)"),
    ],
)
def test_a_quota_that_is_one_too_small_is_in_the_way(service, quota, limit, said):
    quotas = copy.deepcopy(FACTS["quotas"])
    quotas[service][quota]["limit"] = limit
    assert problems(quotas=quotas) == {quota: said}


def test_a_project_s_first_security_group_brings_another_one():
    quotas = copy.deepcopy(FACTS["quotas"])
    quotas["network"] |= {"security groups": {"limit": 1, "used": 0}}
    assert problems(quotas=quotas) == {"security groups": "2 needed, 1 free (0 of 1 used)"}
    quotas["network"] |= {"security groups": {"limit": 2, "used": 1}}
    assert problems(quotas=quotas) == {}


def test_what_the_job_does_not_take_needs_no_quota():
    assert "floating IPs" not in problems()
    assert "server groups" not in problems()
    assert set(problems("network: net, placement: spread")) == {"server groups"}


def test_a_quota_that_nobody_tells_is_not_known_and_no_problem():
    assert problems(quotas={**FACTS["quotas"], "network": {"fault": "403"}}) == {}


@pytest.mark.parametrize(
    ("facts", "check"),
    [
        ({"image": []}, "image"),
        ({"image": {"fault": "away"}}, "image"),
        ({"image": [{**FACTS["image"][0], "status": "queued"}]}, "image"),
        ({"image": FACTS["image"] * 2}, "image"),
        ({"flavor": []}, "flavor"),
        ({"flavor": [{**FACTS["flavor"][0], "disk": 1}]}, "flavor"),
        ({"flavor": [{**FACTS["flavor"][0], "ram": 256}]}, "flavor"),
        ({"networks": {"net": []}}, "network"),
        ({"networks": {"net": [{**FACTS["networks"]["net"][0], "subnets": []}]}}, "network"),
        ({"volume_types": {"names": ["slow"], "default": "slow"}}, "volume types"),
        ({"hot": ["2016-10-14"]}, "Heat"),
        ({"hot": {"fault": "the catalog has no such service"}}, "Heat"),
        ({"who": {**FACTS["who"], "project": None}}, "login"),
    ],
)
def test_what_is_missing_is_in_the_way(facts, check):
    assert list(problems(**facts)) == [check]


def test_a_zone_that_is_not_there_is_in_the_way():
    assert list(problems("network: net, zones: [one, two]")) == ["zones"]


def test_a_network_with_fewer_addresses_than_agents_is_in_the_way():
    net = copy.deepcopy(FACTS["networks"]["net"])
    net[0]["subnets"][0]["allocation_pools"][0]["end"] = "10.0.0.11"
    assert list(problems(networks={"net": net})) == ["network"]


def test_floating_ips_come_from_an_external_network_alone():
    found = problems("network: net, floating: net")
    assert "no external network" in found["network"]
