"""The template of a run's stack, looked at without any cloud."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from storperf.heat.cloud_config import render_cloud_config
from storperf.heat.template import AgentPart, Marks, files_of, make_template, volume_names
from storperf.jobfile.parse import parse_job
from storperf.model.keys import KeyPair

FOLDER = Path(__file__).parents[3] / "heat_templates"
MARKS = Marks(run="20260101-000000-abcd", owner="nina@lab", expires="2026-01-03T00:00:00Z")
STACKS = {
    "plain": "network: n",
    "all": (
        "network: n, subnet: s, floating: ext, zones: [a, b], placement: spread, ephemeral: 1G, "
        "tags: [mine], metadata: {team: storage}"
    ),
    "own": (
        "own_network: {public: ext, cidr: 10.9.0.0/24, dns: [9.9.9.9, 1.1.1.1]}, placement: pack"
    ),
}


def job_of(stack, target="{volume: {size: 1G, type: fast, count: 2}}"):
    return parse_job(
        f"name: n\nprovider: {{kind: heat, stack: {{image: i, flavor: f, {stack}}}}}\n"
        f"target: {target}\nworkloads: [rr]\n",
        source="x",
    )


def template(stack, agents=2, marks=MARKS, name="storperf-run", **more):
    job = job_of(stack, **more)
    return make_template(
        [yaml.safe_load((FOLDER / each).read_text()) for each in files_of(job.provider.stack)],
        job,
        job.provider.stack,
        [
            AgentPart(name=f"agent-{number:02}", user_data=f"#cloud-config\n{name}: {number}\n")
            for number in range(1, agents + 1)
        ],
        name=name,
        marks=marks,
        public_key="ssh-ed25519 AAAA",
        manager="10.0.0.1/32",
    )


def referred(value):
    """Every `get_param` and `get_resource`, and what it names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("get_param", "get_resource"):
                yield key, inner
            yield from referred(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from referred(inner)


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_everything_that_is_referred_to_is_there_and_every_parameter_is_given(stack):
    made = template(stack)
    body = made.body
    known = {"get_param": set(body["parameters"]), "get_resource": set(body["resources"])}
    for kind, name in referred(body):
        assert name in known[kind]
    assert set(made.parameters) == set(body["parameters"])
    for resource in body["resources"].values():
        assert set(resource.get("depends_on", ())) <= set(body["resources"])


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS)
def test_it_is_the_same_data_after_yaml_and_json(stack):
    body = template(stack).body
    assert yaml.safe_load(yaml.safe_dump(body)) == json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_a_hot_file_stands_for_itself_and_holds_no_key(path):
    body = yaml.safe_load(path.read_text())
    assert set(body) == {"heat_template_version", "description", "parameters", "resources"}
    for kind, name in referred(body["resources"]):
        assert name in body["parameters" if kind == "get_param" else "resources"]
    assert "ssh-" not in path.read_text()
    assert "{{" not in path.read_text()


def test_each_agent_has_a_server_a_port_and_its_volumes():
    resources = template(STACKS["plain"], agents=3).body["resources"]
    kinds = [each["type"] for each in resources.values()]
    assert kinds.count("OS::Nova::Server") == kinds.count("OS::Neutron::Port") == 3
    assert kinds.count("OS::Cinder::Volume") == kinds.count("OS::Cinder::VolumeAttachment") == 6
    volume = resources["agent-02-candidate-1"]["properties"]
    assert (volume["size"], volume["volume_type"]) == (1, "fast")


def test_a_target_that_is_no_volume_makes_none():
    job = job_of(STACKS["plain"], target="{directory: /mnt, size: 1G}")
    assert volume_names(job, "agent-01") == ("",)
    resources = template(STACKS["plain"], target="{directory: /mnt, size: 1G}").body["resources"]
    assert not [each for each in resources.values() if "Cinder" in each["type"]]


def test_zones_are_taken_in_turn_and_placement_is_a_group():
    resources = template(STACKS["all"], agents=3).body["resources"]
    servers = [resources[f"agent-0{number}"]["properties"] for number in (1, 2, 3)]
    assert [each["availability_zone"] for each in servers] == ["a", "b", "a"]
    assert resources["group"]["properties"]["policies"] == ["anti-affinity"]
    assert all(each["scheduler_hints"] for each in servers)
    disks = servers[0]["block_device_mapping_v2"]
    assert disks == [{"ephemeral_size": 1, "ephemeral_format": "ext4"}]


def test_a_network_of_its_own_has_a_router_and_addresses_after_it():
    made = template(STACKS["own"])
    resources = made.body["resources"]
    assert resources["agent-01-address"]["depends_on"] == ["router_interface"]
    assert made.parameters["dns"] == "9.9.9.9,1.1.1.1"
    assert resources["router"]["properties"]["external_gateway_info"]
    assert "agent-01-address" not in template(STACKS["plain"]).body["resources"]


def test_everything_carries_whose_it_is_and_until_when():
    for stack in STACKS.values():
        made = template(stack)
        for name, resource in made.body["resources"].items():
            properties = resource["properties"]
            if resource["type"] in ("OS::Nova::Server", "OS::Cinder::Volume"):
                assert properties["metadata"].items() >= MARKS.metadata.items(), name
            if "Neutron" in resource["type"] and "tags" in properties:
                assert set(MARKS.tags) <= set(properties["tags"])
            if "name" in properties and properties["name"] != {"get_param": "name"}:
                assert properties["name"].startswith(("storperf-run", f"storperf-{MARKS.run}")), (
                    name
                )
    assert all(len(tag) <= 80 and "," not in tag for tag in MARKS.tags)


def test_what_takes_no_marks_has_the_run_in_its_name_whatever_the_stack_is_called():
    resources = template("network: n, placement: spread", name="nightly").body["resources"]
    names = {resources[each]["properties"]["name"] for each in ("key", "group")}
    assert names == {"storperf-20260101-000000-abcd"}
    assert resources["agent-01"]["properties"]["name"] == "nightly-agent-01"


def test_ssh_is_let_in_from_the_manager_alone():
    body = template(STACKS["plain"]).body
    rules = body["resources"]["access"]["properties"]["rules"]
    assert {str(rule["remote_ip_prefix"]) for rule in rules} == {"{'get_param': 'manager'}"}


def test_the_digest_tells_what_is_made_and_nothing_of_the_run():
    other = Marks(run="20270101-000000-0000", owner="someone@else", expires="never")
    plain = template(STACKS["plain"]).digest
    assert template(STACKS["plain"], marks=other, name="storperf-other").digest == plain
    assert template(STACKS["plain"], agents=3).digest != plain
    assert template(STACKS["own"]).digest != plain
    assert re.fullmatch("[0-9a-f]{64}", plain)


def test_a_larger_stack_leaves_what_is_there_as_it_is():
    small, large = (template(STACKS["all"], agents=number).body["resources"] for number in (2, 3))
    assert {name: large[name] for name in small} == small


def test_cloud_config_has_our_user_and_host_key_beside_the_job_s_own_words():
    pair = KeyPair(public="ssh-ed25519 BBBB", private="-----BEGIN x\ny: [z\n-----END\n")
    text = render_cloud_config("bench", "ssh-ed25519 AAAA", pair, {"packages": ["fio"]})
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    assert config["packages"] == ["fio"]
    assert config["ssh_keys"]["ed25519_private"] == pair.private
    (user,) = config["users"]
    assert (user["name"], user["ssh_authorized_keys"]) == ("bench", ["ssh-ed25519 AAAA"])
    assert config["disable_root"]
    assert config["ssh_pwauth"] is False
