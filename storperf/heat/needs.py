"""What a job's stack takes from a project: counts to hold against its quotas."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from storperf.model.job import Job
from storperf.model.stack import Placement, Stack

# The group's own two, and those that Neutron gives to each group.
_RULES = 4
# The router's interface, and that of the DHCP agent.
_PORTS_OF_OWN_NETWORK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Of a project, for one run.

    `counts` has a number for each quota that does not hang on the flavor; `volume_types` has
    volumes and GiB by type (None: the cloud's default).
    """

    agents: int
    counts: dict[str, int]
    volume_types: dict[str | None, tuple[int, int]]


def needs_of(job: Job, stack: Stack) -> Needs:
    """What the largest step of the job takes."""
    agents = max(job.matrix.agents)
    volumes: Counter[str | None] = Counter()
    gibibytes: Counter[str | None] = Counter()
    for target in (target for side in job.sides for target in side.targets):
        if target.volume is not None:
            volumes[target.volume.type] += agents
            gibibytes[target.volume.type] += agents * target.volume.size_gib
    own = stack.own_network is not None
    counts = {
        "instances": agents,
        "server groups": 0 if stack.placement is Placement.ANY else 1,
        "server group members": 0 if stack.placement is Placement.ANY else agents,
        "volumes": volumes.total(),
        "gigabytes": gibibytes.total(),
        "ports": agents + (_PORTS_OF_OWN_NETWORK if own else 0),
        "floating IPs": agents if own or stack.floating is not None else 0,
        "networks": int(own),
        "subnets": int(own),
        "routers": int(own),
        "security groups": 1,
        "security group rules": _RULES,
    }
    return Needs(
        agents=agents,
        counts=counts,
        volume_types={kind: (volumes[kind], gibibytes[kind]) for kind in volumes},
    )
