"""What a cloud says before anything is made in it: quotas, and the things that a job names.

Only looks; a service that refuses or is away is a fact like others, under `fault`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any
from urllib.parse import quote

from storperf.deadline import Deadline
from storperf.errors import CloudError
from storperf.model.stack import Stack
from storperf.providers.openstack_session import Cloud

Body = dict[str, Any]

# Our word for a quota, and the words of Nova (limit, used) and Neutron for it.
_OF_COMPUTE = {
    "instances": ("maxTotalInstances", "totalInstancesUsed"),
    "cores": ("maxTotalCores", "totalCoresUsed"),
    "RAM (MB)": ("maxTotalRAMSize", "totalRAMUsed"),
    "server groups": ("maxServerGroups", "totalServerGroupsUsed"),
    "server group members": ("maxServerGroupMembers", ""),
}
_OF_VOLUME = {
    "volumes": ("maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": ("maxTotalVolumeGigabytes", "totalGigabytesUsed"),
}
_OF_NETWORK = {
    "ports": "port",
    "floating IPs": "floatingip",
    "networks": "network",
    "subnets": "subnet",
    "routers": "router",
    "security groups": "security_group",
    "security group rules": "security_group_rule",
}
SERVICES = ("orchestration", "compute", "volume", "image", "network")


def survey(cloud: Cloud, stack: Stack, deadline: Deadline) -> Body:
    """Facts by subject; CloudError when the cloud lets nobody in."""
    who = cloud.who(deadline)
    facts: Body = {
        "source": cloud.login.source,
        "region": cloud.login.region,
        "who": asdict(who),
        "versions": {name: _tried(getattr(cloud, name).version) for name in SERVICES},
        "hot": _tried(lambda: _hot_versions(cloud, deadline)),
        "quotas": {
            "compute": _tried(lambda: _limits(cloud.compute, _OF_COMPUTE, deadline)),
            "volume": _tried(lambda: _limits(cloud.volume, _OF_VOLUME, deadline)),
            "network": _tried(lambda: _network_quotas(cloud, who.project_id, deadline)),
        },
        "image": _tried(lambda: _images(cloud, stack.image, deadline)),
        "flavor": _tried(lambda: _flavors(cloud, stack.flavor)),
        "volume_types": _tried(lambda: _volume_types(cloud, deadline)),
        "zones": _tried(lambda: _zones(cloud, deadline)),
        "networks": {
            name: _tried(partial(_networks, cloud, name, deadline))
            for name in wanted_networks(stack)
        },
    }
    return facts


def wanted_networks(stack: Stack) -> tuple[str, ...]:
    """Every existing network that a stack names, once."""
    public = None if stack.own_network is None else stack.own_network.public
    return tuple(dict.fromkeys(name for name in (stack.network, public, stack.floating) if name))


def _tried(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except CloudError as error:
        return {"fault": error.message}


def _hot_versions(cloud: Cloud, deadline: Deadline) -> list[str]:
    found = cloud.orchestration.get("/template_versions", deadline)["template_versions"]
    return [each["version"].rpartition(".")[2] for each in found if each["type"] == "hot"]


def _limits(service: Any, words: dict[str, tuple[str, str]], deadline: Deadline) -> Body:
    found = service.get("/limits", deadline)["limits"]["absolute"]
    return {
        name: {"limit": found[limit], "used": found.get(used, 0)}
        for name, (limit, used) in words.items()
        if limit in found
    }


def _network_quotas(cloud: Cloud, project: str | None, deadline: Deadline) -> Body:
    found = cloud.network.get(f"/quotas/{project}/details", deadline)["quota"]
    return {
        name: {"limit": found[word]["limit"], "used": found[word]["used"] + found[word]["reserved"]}
        for name, word in _OF_NETWORK.items()
        if word in found
    }


def _kept(entry: Body, keys: Iterable[str]) -> Body:
    return {key: entry.get(key) for key in keys}


def _images(cloud: Cloud, name: str, deadline: Deadline) -> list[Body]:
    found = cloud.image.get("/images", deadline, name=name)["images"]
    if not found:
        by_id = cloud.image.find(f"/images/{quote(name, safe='')}", deadline)
        found = [] if by_id is None else [by_id]
    keys = ("id", "name", "status", "size", "virtual_size", "min_disk", "min_ram", "checksum")
    return [_kept(each, keys) for each in found]


def _flavors(cloud: Cloud, name: str) -> list[Body]:
    every = cloud.compute.pages("/flavors/detail", "flavors")
    named = [each for each in every if name in (each["name"], each["id"])]
    keys = ("id", "name", "vcpus", "ram", "disk", "OS-FLV-EXT-DATA:ephemeral")
    return [_kept(each, keys) for each in named]


def _volume_types(cloud: Cloud, deadline: Deadline) -> Body:
    names = [each["name"] for each in cloud.volume.get("/types", deadline)["volume_types"]]
    default = cloud.volume.find("/types/default", deadline) or {}
    return {"names": names, "default": default.get("volume_type", {}).get("name")}


def _zones(cloud: Cloud, deadline: Deadline) -> list[str]:
    found = cloud.compute.get("/os-availability-zone", deadline)["availabilityZoneInfo"]
    return [each["zoneName"] for each in found if each["zoneState"]["available"]]


def _networks(cloud: Cloud, name: str, deadline: Deadline) -> list[Body]:
    found = cloud.network.get("/networks", deadline, name=name)["networks"]
    found = found or cloud.network.get("/networks", deadline, id=name)["networks"]
    keys = ("id", "name", "status", "admin_state_up", "router:external")
    return [
        {**_kept(each, keys), "subnets": _subnets(cloud, each["id"], deadline)} for each in found
    ]


def _subnets(cloud: Cloud, network: str, deadline: Deadline) -> list[Body]:
    found = cloud.network.get("/subnets", deadline, network_id=network)["subnets"]
    return [_kept(each, ("id", "name", "cidr", "allocation_pools")) for each in found]
