"""Stacks of the earlier StorPerf as sections of a job file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from storperf.model.configuration import Configuration
from storperf.web.compatible.asked import FileSystemAsked
from storperf.web.compatible.job_text import Place, with_file_system

_DEFAULT_CIDR = "172.16.0.0/16"
# The run that makes a stack measures for so long, once all agents are there: it has to be a run.
_MOMENT = "1s"

Values = Mapping[str, Any]


def heat_place(
    configuration: Configuration, target: str, file_system: FileSystemAsked | None
) -> Place:
    """The stack that is there: all its volumes for a device, else a directory of each server."""
    parameters = configuration.parameters
    name = target if file_system is None else file_system.device
    section: Values = {"directory": target}
    if name.startswith("/dev/"):
        section = {"volume": _volume(parameters)}
    if file_system is not None:
        section = with_file_system(section, file_system)
    stack = configuration.facts.get("stack")
    return Place(
        key=f"stack {configuration.name}",
        provider={
            "kind": "heat",
            "stack": {**(stack if isinstance(stack, dict) else {}), "attach": configuration.name},
        },
        target=section,
        agents=int(str(parameters["agent_count"])),
        told=dict(parameters),
    )


def stack_section(parameters: Values, ours: Values) -> dict[str, Any]:
    """`provider.stack` of these parameters; `ours` are keys of the server's configuration.

    Without a network of the configuration the stack has its own, as it had.
    """
    said = {"image": parameters.get("agent_image"), "flavor": parameters.get("agent_flavor")}
    stack = {**ours, **{key: value for key, value in said.items() if value}}
    if parameters.get("availability_zone"):
        stack["zones"] = [parameters["availability_zone"]]
    if "network" not in stack:
        own = dict(stack.get("own_network") or {})
        if parameters.get("public_network"):
            own["public"] = parameters["public_network"]
        stack["own_network"] = {**own, "cidr": parameters.get("subnet_CIDR") or _DEFAULT_CIDR}
    return stack


def making_text(name: str, parameters: Values, stack: Values) -> str:
    """The job whose run makes the stack, looks whether every agent can measure, and leaves it."""
    volumes = parameters.get("volume_count", 1)
    job = {
        "name": "configuration",
        "provider": {"kind": "heat", "stack": {**stack, "name": name, "keep": True}},
        "target": {"volume": _volume(parameters)} if volumes else {"directory": "/tmp"},  # noqa: S108
        "workloads": ["rr"],
        "matrix": {"agents": parameters["agent_count"]},
        "precondition": {"fill": False},
        "duration": _MOMENT,
    }
    return yaml.safe_dump(job, sort_keys=False, allow_unicode=True, width=100)


def _volume(parameters: Values) -> dict[str, Any]:
    section: dict[str, Any] = {
        "size": f"{parameters['volume_size']}G",
        "count": parameters["volume_count"],
    }
    if parameters.get("volume_type"):
        section["type"] = parameters["volume_type"]
    return section
