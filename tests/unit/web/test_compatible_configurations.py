"""Configurations of the earlier StorPerf's clients, on this machine and as sections of a stack."""

from __future__ import annotations

from dataclasses import replace

import pytest
import schemathesis
import yaml
from unit.web.old_clients import serving

from storperf.errors import UsageError
from storperf.jobfile.parse import parse_job
from storperf.model.configuration import Configuration, ConfigurationState
from storperf.model.queued import EntryState
from storperf.web.compatible.asked import read_initialization, read_job
from storperf.web.compatible.heat_job import heat_place, making_text, stack_section
from storperf.web.compatible.router import router
from storperf.web.compatible.spec import spec
from storperf.web.compatible.stacks import make

PARAMETERS = {
    "agent_count": 2,
    "agent_image": "Ubuntu 16.04 x86_64",
    "agent_flavor": "storperf",
    "public_network": "external",
    "volume_count": 2,
    "volume_size": 2,
    "volume_type": "ssd",
    "availability_zone": "nova",
    "subnet_CIDR": "172.16.0.0/16",
}


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def local(server):
    server.allow(configurations="local", targets={"/dev/vdb": {"directory": "/srv"}})
    return server


def test_before_there_is_one_the_defaults_are_shown(server):
    answer = server.ask("GET", "v1.0/configurations")
    assert answer.headers["Sunset"] == "Tue. 31 Mar 2020 23:59:59 GMT"
    shown = answer.json()
    assert (shown["stack_created"], shown["stack_id"], shown["slave_addresses"]) == (
        False,
        None,
        [],
    )
    assert (shown["stack_name"], shown["agent_count"]) == ("StorPerfAgentGroup", 1)
    assert set(shown) == {
        *PARAMETERS,
        *("stack_name", "stack_created", "stack_id", "slave_addresses"),
    }


def test_a_server_that_is_not_told_so_makes_none(server):
    answer = server.ask("POST", "v1.0/configurations", {"agent_count": 1})
    assert answer.status_code == 400
    assert "makes no stacks" in answer.json()["message"]
    assert not server.store.configurations()


def test_a_local_one_is_there_when_the_request_is_answered(local):
    made = local.ask("POST", "v1.0/configurations", {"stack_name": "own", "volume_size": 2}).json()
    assert (made["stack_created"], made["stack_name"], made["volume_size"]) == (True, "own", 2)
    assert made["slave_addresses"] == ["127.0.0.1"]
    assert local.ask("GET", "v1.0/configurations").json() == made
    assert local.ask("GET", "v1.0/configurations?stack_name=own").json() == made
    other = local.ask("GET", "v1.0/configurations?stack_name=other").json()
    assert (other["stack_created"], other["stack_name"]) == (False, "other")
    gone = local.ask("DELETE", "v1.0/configurations").json()
    assert gone == {"stack_id": made["stack_id"]}
    assert local.ask("DELETE", "v1.0/configurations").json() == {"stack_id": None}


def test_asked_for_again_it_is_given_back_and_never_changed(local):
    made = local.ask("POST", "v1.0/configurations", {"agent_count": 1}).json()
    assert local.ask("POST", "v1.0/configurations", {"agent_count": 1}).json() == made
    answer = local.ask("POST", "v1.0/configurations", {"volume_size": 7})
    assert answer.status_code == 400
    assert "Cannot change volume size after stack is created" in answer.json()["message"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "No data specified"),
        ({"agent_count": 2}, "agent_count must be 1"),
        ({"agent_count": "many"}, "agent_count"),
        ({"agent_count": 0}, "agent_count"),
        ({"agent_count": True}, "agent_count"),
        ({"stack_name": "; reboot"}, "stack_name"),
        ({"volume_type": "a\nb"}, "volume_type"),
        ({"agent_image": {"a": 1}}, "agent_image"),
    ],
)
def test_a_wrong_one_is_refused_and_not_kept(local, content, words):
    answer = local.ask("POST", "v1.0/configurations", content)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert not local.store.configurations()


def test_no_password_of_a_configuration_is_kept_or_given_back(local):
    answer = local.ask("POST", "v1.0/configurations", {"username": "u", "password": "hunter2"})
    assert answer.status_code == 200
    assert "hunter2" not in answer.text + local.ask("GET", "v1.0/configurations").text
    assert "hunter2" not in repr(local.store.configurations())


def test_deleting_it_ends_what_runs_there(local):
    local.ask("POST", "v1.0/configurations", {"agent_count": 1})
    entry = local.job_of(local.ask("POST", "v1.0/jobs", {"workload": "rr"}))
    local.ask("DELETE", "v1.0/configurations")
    assert local.store.queue_entry(entry.run_id).state is EntryState.CANCELLED
    answer = local.ask("POST", "v1.0/jobs", {"workload": "rr"})
    assert "Stack StorPerfAgentGroup does not exist" in answer.json()["message"]


def test_the_quota_of_this_machine_is_one_volume(local):
    assert local.ask("GET", "v1.0/quotas").json() == {"quota": 1}


def test_the_swagger_document_names_every_route_and_no_other(server):
    told = server.ask("GET", "spec.json").json()
    assert told["swagger"] == "2.0"
    named = {(verb.upper(), f"/api{path}") for path, each in told["paths"].items() for verb in each}
    served = {(verb, route.path) for route in router.routes for verb in route.methods}
    assert served - named == {("GET", "/api/spec.json")}
    assert named <= served
    for verb, path in named:
        assert server.client.request(verb, path).status_code == 401, (verb, path)


def test_the_swagger_document_is_a_valid_one():
    schemathesis.openapi.from_dict(spec()).validate()


class NotingKeys(dict):
    """An empty request that notes which keys it is asked for."""

    def __init__(self):
        self.noted = set()

    def get(self, key, default=None):
        self.noted.add(key)
        return default

    def __contains__(self, key):
        self.noted.add(key)
        return False


@pytest.mark.parametrize(
    ("model", "read"), [("WorkloadV2Model", read_job), ("WarmUpModel", read_initialization)]
)
def test_the_swagger_document_has_every_key_that_a_request_may_have(model, read):
    request = NotingKeys()
    read(request)
    assert request.noted >= {"target", "stack_name", "slave_addresses"}
    assert request.noted <= set(spec()["definitions"][model]["properties"])


def test_a_stack_is_made_by_a_job_that_can_be_run():
    stack = stack_section(PARAMETERS, {"cloud": "lab", "user": "ubuntu"})
    job = parse_job(making_text("own", PARAMETERS, stack), source="it")
    made = job.provider.stack
    assert (made.name, made.keep, made.cloud, made.user) == ("own", True, "lab", "ubuntu")
    assert (made.image, made.flavor) == ("Ubuntu 16.04 x86_64", "storperf")
    assert (made.own_network.public, made.own_network.cidr) == ("external", "172.16.0.0/16")
    assert made.zones == ("nova",)
    assert job.matrix.agents == (2,)
    (side,) = job.sides
    assert len(side.targets) == 2
    assert side.targets[0].volume.size_bytes == 2 << 30


def test_a_network_of_the_configuration_takes_the_place_of_an_own_one():
    stack = stack_section(PARAMETERS, {"network": "lab-net"})
    assert "own_network" not in stack
    parse_job(making_text("own", PARAMETERS, stack), source="it")


def test_jobs_use_the_stack_that_is_there_with_all_its_volumes():
    stack = stack_section(PARAMETERS, {})
    configuration = Configuration(
        name="own",
        parameters=PARAMETERS,
        state=ConfigurationState.CREATED,
        changed_s=0.0,
        facts={"kind": "heat", "stack": stack},
    )
    place = heat_place(configuration, "/dev/vdb", None)
    assert place.provider["stack"]["attach"] == "own"
    assert place.target == {"volume": {"size": "2G", "count": 2, "type": "ssd"}}
    assert place.agents == 2
    assert heat_place(configuration, "/mnt/x", None).target == {"directory": "/mnt/x"}


def test_a_stack_that_cannot_be_made_is_told_and_not_there(server):
    server.allow(configurations="heat", stack={"cloud": "nowhere"})
    answer = server.ask("POST", "v1.0/configurations", {"agent_count": 1})
    assert answer.status_code == 400
    assert "image" in answer.json()["message"]
    assert server.ask("GET", "v1.0/configurations").json()["stack_created"] is False


def test_a_stack_whose_run_fails_gives_the_runs_reason(server):
    configuration = Configuration(
        name="own",
        parameters=PARAMETERS,
        state=ConfigurationState.CREATING,
        changed_s=0.0,
        facts={"kind": "heat", "stack": stack_section(PARAMETERS, {})},
    )
    shared = server.client.app.state.compatible

    def fail() -> None:
        (entry,) = server.store.queue_entries([EntryState.QUEUED])
        assert yaml.safe_load(entry.job_text)["provider"]["stack"]["keep"] is True
        server.store.move_entry(
            entry.run_id, [EntryState.QUEUED], EntryState.REFUSED, reason="agent-01: no host"
        )

    with pytest.raises(UsageError, match="agent-01: no host"):
        make(replace(shared, wake=fail), configuration, "somebody")
