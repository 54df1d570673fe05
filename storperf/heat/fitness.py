"""Findings about a cloud: whether a job's stack can be made there, each lack with its remedy."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from storperf.heat.needs import Needs
from storperf.model.finding import Finding, Level
from storperf.model.stack import Stack

Body = dict[str, Any]

_WHY_QUOTA = "a stack that meets a quota fails half made"
_WHY_THING = "Heat refuses the stack without it"
_MOST_NAMED = 8
# Of the group `default`, which Neutron gives a project with its first one.
_FIRST = {"security groups": 1, "security group rules": 4}


def cloud_findings(facts: Body, stack: Stack, needs: Needs, hot_version: str) -> Iterator[Finding]:
    """Who asks, Heat, the things that the job names, and the quotas, in this order.

    `facts` are those of providers/heat_survey.py; `hot_version` is the one of our templates.
    """
    yield _who(facts)
    yield _heat(facts, hot_version)
    yield _image(facts, stack)
    flavor = _one(facts["flavor"])
    yield _flavor(facts, stack, flavor)
    yield from _networks(facts, stack, needs)
    if needs.volume_types:
        yield _volume_types(facts, needs)
    if stack.zones:
        yield _zones(facts, stack)
    yield from _quotas(facts["quotas"], needs, flavor)


def _who(facts: Body) -> Finding:
    who = facts["who"]
    if who["project"] is None:
        return _lacks("login", f"{who['user']} has no project by {facts['source']}", "name one")
    text = f"{who['user']} in project {who['project']}, by {facts['source']}"
    where = f", region {facts['region']}" if facts["region"] else ""
    return _good("login", f"{text}{where}; roles: {', '.join(sorted(who['roles'])) or 'none'}")


def _heat(facts: Body, wanted: str) -> Finding:
    if fault := _fault(facts["hot"]):
        return _lacks("Heat", fault, "ask for Heat (orchestration) and a role that may use it")
    if wanted not in facts["hot"]:
        newest = max(facts["hot"], default="none")
        text = f"it knows templates up to {newest}; ours are of {wanted}"
        return _lacks("Heat", text, "the cloud must be OpenStack Rocky (2018) or newer")
    versions = {key: value for key, value in facts["versions"].items() if isinstance(value, str)}
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return _good("Heat", f"it knows templates of {wanted}; API versions: {told}")


def _image(facts: Body, stack: Stack) -> Finding:
    found = facts["image"]
    remedy = "storperf heat image upload brings ours; openstack image list shows what there is"
    if finding := _not_one("image", stack.image, found, remedy):
        return finding
    (image,) = found
    if image["status"] != "active":
        return _lacks("image", f"{stack.image} is {image['status']}, not active", remedy)
    size = f"{image['size'] / (1 << 20):.0f} MiB, " if image["size"] else ""
    return _good("image", f"{stack.image}: {size}checksum {image['checksum'] or 'not known'}")


def _flavor(facts: Body, stack: Stack, flavor: Body | None) -> Finding:
    remedy = "openstack flavor list shows what there is"
    if finding := _not_one("flavor", stack.flavor, facts["flavor"], remedy):
        return finding
    if flavor is None:
        raise RuntimeError("one flavor is one")
    image = _one(facts["image"]) or {}
    small = list(_too_small(flavor, image, stack))
    text = f"{stack.flavor}: {flavor['vcpus']} cores, {flavor['ram']} MB, {flavor['disk']} GB"
    if small:
        return _lacks("flavor", f"{text}; too small: {', '.join(small)}", "take a larger flavor")
    return _good("flavor", text)


def _too_small(flavor: Body, image: Body, stack: Stack) -> Iterator[str]:
    # A flavor without a root disk takes the image's size.
    virtual = -(-(image.get("virtual_size") or 0) // (1 << 30))
    needs_gb = max(image.get("min_disk") or 0, virtual)
    if flavor["disk"] and flavor["disk"] < needs_gb:
        yield f"the image needs {needs_gb} GB of disk"
    if flavor["ram"] < (image.get("min_ram") or 0):
        yield f"the image needs {image['min_ram']} MB of memory"
    ephemeral = (stack.ephemeral_bytes or 0) >> 30
    if (flavor["OS-FLV-EXT-DATA:ephemeral"] or 0) < ephemeral:
        has = flavor["OS-FLV-EXT-DATA:ephemeral"] or 0
        yield f"it has {has} GB of ephemeral disk, the job wants {ephemeral}"


def _networks(facts: Body, stack: Stack, needs: Needs) -> Iterator[Finding]:
    own = stack.own_network
    for name, found in facts["networks"].items():
        remedy = "openstack network list shows what there is"
        if finding := _not_one("network", name, found, remedy):
            yield finding
            continue
        (network,) = found
        is_public = name in {stack.floating, None if own is None else own.public}
        yield _network(name, network, stack, needs, is_public=is_public)


def _network(name: str, network: Body, stack: Stack, needs: Needs, *, is_public: bool) -> Finding:
    if is_public and not network["router:external"]:
        text = f"{name} is no external network, so that it has no floating IPs"
        return _lacks("network", text, "openstack network list --external shows them")
    if is_public:
        return _good("network", f"{name}, external")
    if not network["admin_state_up"]:
        return _lacks("network", f"{name} is switched off", "ask for it, or take another network")
    subnets = network["subnets"]
    if stack.subnet is not None:
        subnets = [each for each in subnets if stack.subnet in (each["name"], each["id"])]
    if not subnets:
        text = f"{name} has no subnet {stack.subnet or ''}".rstrip()
        return _lacks("network", text, f"openstack subnet list --network {name}")
    room = sum(_addresses(each) for each in subnets)
    cidrs = ", ".join(each["cidr"] for each in subnets)
    if room < needs.agents:
        text = f"{name} ({cidrs}) has {room} addresses for {needs.agents} agents"
        return _lacks("network", text, "take a larger network, or `own_network`")
    return _good("network", f"{name} ({cidrs}), {room} addresses, used ones among them")


def _addresses(subnet: Body) -> int:
    ends = [
        (ipaddress.ip_address(pool["start"]), ipaddress.ip_address(pool["end"]))
        for pool in subnet["allocation_pools"] or ()
    ]
    return sum(int(last) - int(first) + 1 for first, last in ends)


def _volume_types(facts: Body, needs: Needs) -> Finding:
    found = facts["volume_types"]
    if fault := _fault(found):
        return _lacks("volume types", fault, "ask for Cinder (block storage)")
    absent = [name for name in needs.volume_types if name and name not in found["names"]]
    if absent:
        text = f"there is no {', no '.join(absent)}; there are: {_listed(found['names'])}"
        return _lacks("volume types", text, "openstack volume type list shows what there is")
    told = [
        f"{name or found['default'] or 'the default'}: {count} volumes, {gibibytes} GB"
        for name, (count, gibibytes) in needs.volume_types.items()
    ]
    return _good("volume types", "; ".join(told))


def _zones(facts: Body, stack: Stack) -> Finding:
    if fault := _fault(facts["zones"]):
        return _lacks("zones", fault, "leave `zones` out")
    absent = [zone for zone in stack.zones if zone not in facts["zones"]]
    if absent:
        text = f"{', '.join(absent)} not available; there are: {_listed(facts['zones'])}"
        return _lacks("zones", text, "openstack availability zone list shows what there is")
    return _good("zones", ", ".join(stack.zones))


def _quotas(quotas: Body, needs: Needs, flavor: Body | None) -> Iterator[Finding]:
    wanted = dict(needs.counts)
    if flavor is not None:
        wanted |= {
            "cores": needs.agents * flavor["vcpus"],
            "RAM (MB)": needs.agents * flavor["ram"],
        }
    for service, found in quotas.items():
        if fault := _fault(found):
            yield Finding(
                check="quota",
                level=Level.NOT_KNOWN,
                found=f"{service}: {fault}",
                why=_WHY_QUOTA,
                remedy="openstack limits show --absolute shows it where the cloud tells",
            )
            continue
        for name, quota in found.items():
            if wanted.get(name):
                first = 0 if quota["used"] else _FIRST.get(name, 0)
                yield _quota(name, wanted[name] + first, quota)


def _quota(name: str, wanted: int, quota: Body) -> Finding:
    limit, used = quota["limit"], quota["used"]
    if limit < 0:
        return _good(name, f"{wanted} needed, no limit", _WHY_QUOTA)
    text = f"{wanted} needed, {limit - used} free ({used} of {limit} used)"
    lack = wanted - (limit - used)
    if lack <= 0:
        return _good(name, text, _WHY_QUOTA)
    remedy = f"ask for a quota of {limit + lack}, take fewer agents, or delete what is left over"
    return _lacks(name, text, remedy, _WHY_QUOTA)


# --- in detail -------------------------------------------------------------------------------


def _good(check: str, found: str, why: str = _WHY_THING) -> Finding:
    return Finding(check=check, level=Level.OK, found=found, why=why)


def _lacks(check: str, found: str, remedy: str, why: str = _WHY_THING) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, found=found, why=why, remedy=remedy)


def _fault(found: Any) -> str | None:
    fault: str | None = found.get("fault") if isinstance(found, dict) else None
    return fault


def _one(found: Any) -> Body | None:
    """The thing, where its name means one."""
    return found[0] if isinstance(found, list) and len(found) == 1 else None


def _not_one(check: str, name: str, found: Any, remedy: str) -> Finding | None:
    if fault := _fault(found):
        return _lacks(check, fault, remedy)
    if not found:
        return _lacks(check, f"there is no {name} for this login", remedy)
    if len(found) > 1:
        ids = _listed([each["id"] for each in found])
        return _lacks(check, f"{len(found)} have the name {name}", f"name one by its id: {ids}")
    return None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED]) or 'none'}{more}"
