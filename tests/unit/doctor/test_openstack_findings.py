"""From facts of a cloud to findings."""

from __future__ import annotations

import pytest

from storperf.doctor.openstack import openstack_findings
from storperf.model.finding import Level
from storperf.providers.keystone import SERVICES

ANSWER = {
    "address": "https://c/v3",
    "seconds": 0.1,
    "fault": None,
    "said": "",
    "user": "nina",
    "project": "storage",
    "services": dict.fromkeys(SERVICES, "https://x"),
}
CLOUD = {
    "looked_in": "/x, /y",
    "source": "the environment (OS_*)",
    "fault": None,
    "auth_type": "password",
    "region": "north",
    "interface": "public",
    "verify": True,
    "missing": (),
    "answer": ANSWER,
}


def levels(**changes):
    answer = {**ANSWER, **changes.pop("answer", {})}
    findings = openstack_findings({**CLOUD, "answer": answer, **changes}, "local")
    return [(each.check, each.level) for each in findings]


def test_a_whole_login_that_is_accepted_is_ok():
    assert levels() == [
        ("credentials", Level.OK),
        ("Keystone", Level.OK),
        ("cloud services", Level.OK),
    ]


def test_a_certificate_that_nobody_looks_at_is_a_warning():
    assert levels(verify=False)[1] == ("Keystone", Level.WARNING)
    assert levels(verify="/ca.pem")[1] == ("Keystone", Level.OK)


@pytest.mark.parametrize("fault", ["unreachable", "certificate", "refused", "unusable"])
def test_every_fault_of_keystone_has_a_remedy_and_ends_the_list(fault):
    cloud = {**CLOUD, "answer": {**ANSWER, "fault": fault, "said": "why", "services": None}}
    *_, found = openstack_findings(cloud, "local")
    assert (found.check, found.level) == ("Keystone", Level.PROBLEM)
    assert found.remedy


def test_a_service_that_the_catalog_lacks_is_a_problem():
    services = {**ANSWER["services"], "volumev3": None}
    cloud = {**CLOUD, "answer": {**ANSWER, "services": services}}
    *_, found = openstack_findings(cloud, "local")
    assert found.level is Level.PROBLEM
    assert found.found == "the catalog has no volumev3 in the region north (public)"
