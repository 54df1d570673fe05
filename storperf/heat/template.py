"""The template of a run's stack: data, made of the HOT files and of what each agent needs.

Names of resources: `agent-01`, `agent-01-port`, `agent-01-address` and, for the volumes of a side,
`agent-01-candidate-0` with `agent-01-candidate-0-attached`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storperf.model.job import Job
from storperf.model.stack import Placement, Stack

Body = dict[str, Any]

# The HOT files that a template may be made of.
AGENTS, OWN_NETWORK, EXISTING_NETWORK = "agents.yaml", "own_network.yaml", "existing_network.yaml"
_MARK = "storperf_"
_POLICIES = {Placement.SPREAD: "anti-affinity", Placement.PACK: "affinity"}
_TAGGED = ("OS::Neutron::Net", "OS::Neutron::Subnet", "OS::Neutron::Router")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What everything carries that is made: whose it is, and until when."""

    run: str
    owner: str
    expires: str

    @property
    def metadata(self) -> dict[str, str]:
        """For servers and volumes."""
        return {
            "storperf_run": self.run,
            "storperf_owner": self.owner,
            "storperf_expires": self.expires,
        }

    @property
    def tags(self) -> tuple[str, ...]:
        """For the stack and for network things."""
        return ("storperf", *(f"{key}={value}" for key, value in self.metadata.items()))


def parse_marks(words: Iterable[str]) -> dict[str, str]:
    """`run`, `owner` and `expires` of tags or metadata written as `key=value`."""
    pairs = [word.partition("=") for word in words if word.startswith(_MARK)]
    return {key.removeprefix(_MARK): value for key, sign, value in pairs if sign}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPart:
    """What is one agent's own; `user_data` holds a private key."""

    name: str
    user_data: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What Heat is sent.  `digest` is the same for runs that differ in keys and names alone."""

    body: Body = field(repr=False)
    parameters: Mapping[str, Any]
    digest: str


def files_of(stack: Stack) -> tuple[str, ...]:
    """The HOT files that a stack is made of."""
    return (AGENTS, EXISTING_NETWORK if stack.own_network is None else OWN_NETWORK)


def volume_names(job: Job, agent: str) -> tuple[str, ...]:
    """The resources of an agent's volumes, in the order of its targets; empty for other targets."""
    return tuple(
        f"{agent}-{side.name}-{index}" if target.volume is not None else ""
        for side in job.sides
        for index, target in enumerate(side.targets)
    )


def make_template(  # noqa: PLR0913 - what a template is made of, by keyword
    files: Sequence[Body],
    job: Job,
    stack: Stack,
    agents: Sequence[AgentPart],
    *,
    name: str,
    marks: Marks,
    public_key: str,
    manager: str,
) -> Template:
    """The whole template with its parameters; `files` are those of `files_of`, as data."""
    shared = {"image": stack.image, "flavor": stack.flavor, **_network_parameters(stack)}
    nobody = Marks(run="run", owner="owner", expires="never")
    alike = [AgentPart(name=agent.name, user_data="") for agent in agents]
    told = [_body(files, job, stack, alike, "name", nobody), shared, dict(stack.cloud_config)]
    return Template(
        body=_body(files, job, stack, agents, name, marks),
        parameters={"name": name, **shared, "public_key": public_key, "manager": manager},
        digest=hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest(),
    )


def _body(  # noqa: PLR0913, PLR0917 - what a template is made of
    files: Sequence[Body],
    job: Job,
    stack: Stack,
    agents: Sequence[AgentPart],
    name: str,
    marks: Marks,
) -> Body:
    tags = [*marks.tags, *stack.tags]
    shared = {key: value for each in files for key, value in each["resources"].items()}
    resources = {key: _tagged(value, tags) for key, value in shared.items()}
    # Neither takes marks: their names say whose they are, whatever the stack is called.
    own_name = f"storperf-{marks.run}"
    key = resources["key"]
    resources["key"] = {**key, "properties": {**key["properties"], "name": own_name}}
    if stack.placement in _POLICIES:
        policy = {"name": own_name, "policies": [_POLICIES[stack.placement]]}
        resources["group"] = _resource("OS::Nova::ServerGroup", policy)
    for number, agent in enumerate(agents):
        resources |= dict(_agent(job, stack, agent, number, name, marks, tags))
    return {
        "heat_template_version": files[0]["heat_template_version"],
        "description": f"Agents of the storperf run {marks.run}",
        "parameters": {key: value for each in files for key, value in each["parameters"].items()},
        "resources": resources,
    }


def _tagged(resource: Body, tags: list[str]) -> Body:
    if resource["type"] == "OS::Neutron::SecurityGroup":
        # It takes no tags in older clouds.
        properties = {**resource["properties"], "description": " ".join(tags)}
        return {**resource, "properties": properties}
    if resource["type"] not in _TAGGED:
        return resource
    return {**resource, "properties": {**resource["properties"], "tags": tags}}


def _network_parameters(stack: Stack) -> Body:
    own = stack.own_network
    if own is None:
        return {"network": stack.network}
    return {"public": own.public, "cidr": own.cidr, "dns": ",".join(own.dns)}


def _resource(kind: str, properties: Body, **more: Any) -> Body:
    kept = {key: value for key, value in properties.items() if value is not None}
    return {"type": kind, "properties": kept, **more}


def _agent(  # noqa: PLR0913, PLR0917 - what one agent is made of
    job: Job,
    stack: Stack,
    agent: AgentPart,
    number: int,
    name: str,
    marks: Marks,
    tags: list[str],
) -> Iterator[tuple[str, Body]]:
    port = f"{agent.name}-port"
    yield port, _port(stack, f"{name}-{port}", tags)
    yield agent.name, _server(stack, agent, number, name, marks)
    floating = stack.floating if stack.own_network is None else {"get_param": "public"}
    if floating is not None:
        address: Body = {
            "floating_network": floating,
            "port_id": {"get_resource": port},
            "value_specs": {"description": " ".join(tags)},
        }
        after = {} if stack.own_network is None else {"depends_on": ["router_interface"]}
        yield f"{agent.name}-address", _resource("OS::Neutron::FloatingIP", address, **after)
    targets = [target for side in job.sides for target in side.targets]
    for volume, target in zip(volume_names(job, agent.name), targets, strict=True):
        if target.volume is None:
            continue
        wanted = {
            "name": f"{name}-{volume}",
            "size": target.volume.size_gib,
            "volume_type": target.volume.type,
            "metadata": {**marks.metadata, **dict(stack.metadata)},
        }
        # Heat begins one resource a second of those that wait for none, and the rest at once.
        yield volume, _resource("OS::Cinder::Volume", wanted, depends_on=["key"])
        ends = {
            "instance_uuid": {"get_resource": agent.name},
            "volume_id": {"get_resource": volume},
        }
        yield f"{volume}-attached", _resource("OS::Cinder::VolumeAttachment", ends)


def _port(stack: Stack, name: str, tags: list[str]) -> Body:
    own = stack.own_network is not None
    fixed: list[Body] | None = None
    if own:
        fixed = [{"subnet": {"get_resource": "subnet"}}]
    elif stack.subnet is not None:
        fixed = [{"subnet": stack.subnet}]
    properties = {
        "name": name,
        "network": {"get_resource": "network"} if own else {"get_param": "network"},
        "fixed_ips": fixed,
        "security_groups": [{"get_resource": "access"}],
        "tags": tags,
    }
    return _resource("OS::Neutron::Port", properties)


def _server(stack: Stack, agent: AgentPart, number: int, name: str, marks: Marks) -> Body:
    placed = stack.placement in _POLICIES
    ephemeral = stack.ephemeral_bytes
    local = [{"ephemeral_size": ephemeral >> 30, "ephemeral_format": "ext4"}] if ephemeral else None
    properties = {
        "name": f"{name}-{agent.name}",
        "image": {"get_param": "image"},
        "flavor": {"get_param": "flavor"},
        "key_name": {"get_resource": "key"},
        "networks": [{"port": {"get_resource": f"{agent.name}-port"}}],
        "availability_zone": stack.zones[number % len(stack.zones)] if stack.zones else None,
        "scheduler_hints": {"group": {"get_resource": "group"}} if placed else None,
        "block_device_mapping_v2": local,
        "config_drive": stack.config_drive,
        "user_data_format": "RAW",
        "user_data": agent.user_data,
        # What an agent is told counts at its first boot alone; a larger stack leaves it running.
        "user_data_update_policy": "IGNORE",
        "metadata": {**marks.metadata, **dict(stack.metadata)},
    }
    return _resource("OS::Nova::Server", properties)
