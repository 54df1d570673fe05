"""What the cloud says of a stack's things: where agents are reached, and what they lie on."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from storperf.errors import CloudError, UsageError
from storperf.model.stack import Stack
from storperf.providers.openstack_session import Cloud

Body = dict[str, Any]

# What names the flavor, and not only its id.
_SERVERS = "2.47"


def fetch_servers(cloud: Cloud, stack_name: str, ids: set[str] | None = None) -> dict[str, Body]:
    """The servers of a stack by id, in one request for each page of the project's."""
    found = cloud.compute.pages(
        "/servers/detail", "servers", name=f"^{stack_name}-", microversion=_SERVERS
    )
    return {each["id"]: each for each in found if ids is None or each["id"] in ids}


def fetch_volumes(cloud: Cloud, ids: set[str]) -> dict[str, Body]:
    """The volumes of a stack by id, in the same way."""
    if not ids:
        return {}
    return {
        each["id"]: each
        for each in cloud.volume.pages("/volumes/detail", "volumes")
        if each["id"] in ids
    }


def address_of(server: Body) -> str | None:
    """Where an agent is reached: its floating IP, else its address in its network."""
    every = [each for addresses in server["addresses"].values() for each in addresses]
    floating = [each["addr"] for each in every if each.get("OS-EXT-IPS:type") == "floating"]
    fixed = [each["addr"] for each in every if each.get("version") == 4]
    return next(iter([*floating, *fixed]), None)


def manager_address(cloud: Cloud, stack: Stack) -> str:
    """The range of addresses from which this machine reaches the agents: its own one alone."""
    if stack.manager is not None:
        return stack.manager
    if stack.own_network is not None or stack.floating is not None:
        towards = urlsplit(cloud.login.auth["auth_url"]).hostname or "127.0.0.1"
    else:
        towards = _address_in(cloud, str(stack.network))
    try:
        with socket.socket(socket.AF_INET6 if ":" in towards else socket.AF_INET, 2) as way:
            way.connect((towards, 9))  # sends nothing
            own: str = way.getsockname()[0]
    except OSError as error:
        raise UsageError(
            f"this machine has no way to {towards}: {error.strerror}; say provider.stack.manager, "
            "the addresses from which agents may be reached"
        ) from error
    return f"{own}/{128 if ':' in own else 32}"


def _address_in(cloud: Cloud, network: str) -> str:
    """Some address of a network's first subnet."""
    found = cloud.network.get("/networks", name=network)["networks"]
    found = found or cloud.network.get("/networks", id=network)["networks"]
    if not found:
        raise UsageError(f"the cloud has no network {network!r} for this login")
    subnets = cloud.network.get("/subnets", network_id=found[0]["id"])["subnets"]
    if not subnets:
        raise UsageError(f"the network {network!r} has no subnet")
    return str(next(iter(ipaddress.ip_network(subnets[0]["cidr"]).hosts())))


def cloud_facts(cloud: Cloud, servers: Mapping[str, Body]) -> Body:
    """Versions of the services, and the image: what is the same for all agents."""
    facts: Body = {
        name: _version(cloud, name) for name in ("orchestration", "compute", "volume", "network")
    }
    images = {each["image"]["id"] for each in servers.values() if each.get("image")}
    for number, image in enumerate(sorted(images)):
        found = cloud.image.find(f"/images/{image}") or {}
        facts["image" if number == 0 else f"image_{number}"] = {
            "id": image,
            "name": found.get("name"),
            "checksum": found.get("checksum"),
            "hash": found.get("os_hash_value"),
        }
    return facts


def _version(cloud: Cloud, name: str) -> str | None:
    try:
        return getattr(cloud, name).version()  # type: ignore[no-any-return] # one of the services
    except CloudError:
        return None


def server_facts(server: Body) -> Body:
    """What an agent is and where it lies; the hypervisor's name is told to administrators only."""
    flavor = server.get("flavor") or {}
    return {
        "server": server["id"],
        "address": address_of(server),
        "zone": server.get("OS-EXT-AZ:availability_zone"),
        "hypervisor": server.get("OS-EXT-SRV-ATTR:hypervisor_hostname"),
        "host_id": server.get("hostId"),
        "flavor": {key: flavor.get(key) for key in ("original_name", "vcpus", "ram", "disk")},
    }


def volume_facts(volume: Body) -> Body:
    """What is behind a target; the backend's name is told to administrators only."""
    return {
        "volume": volume["id"],
        "type": volume.get("volume_type"),
        "size_gib": volume.get("size"),
        "backend": volume.get("os-vol-host-attr:host"),
        "encrypted": volume.get("encrypted"),
    }
