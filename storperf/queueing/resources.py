"""What a job uses that no other run may use meanwhile."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from storperf.model.host import SshHost
from storperf.model.job import Job
from storperf.model.target import Target, TargetKind

# Two loads on one host share its CPUs and its memory: they would measure each other, whatever
# their targets are.
THIS_HOST = "host:local"


def resources_of(job: Job, address_of: Callable[[SshHost], str]) -> tuple[str, ...]:
    """Names of resources, sorted: two runs that share one never overlap.

    The hosts on which fio runs, servers of remote targets, a stack that is attached to, and what
    the job names itself.  `address_of` gives the address of a host that may be called otherwise
    in the job.  A stack that is made for the run is nobody else's, though its backend may be.
    """
    found = {*job.resources, *_hosts(job, address_of)}
    for side in job.sides:
        for target in side.targets:
            found.update(_servers(target))
    stack = job.provider.stack
    if stack is not None and stack.attach is not None:
        found.add(f"stack:{stack.attach}")
    return tuple(sorted(found))


def _hosts(job: Job, address_of: Callable[[SshHost], str]) -> Iterator[str]:
    if job.provider.kind == "local":
        yield THIS_HOST
    for host in job.provider.hosts:
        # Neither user nor port: two sshd on one host are two doors to the same machine.
        yield _host(address_of(host))


def _host(address: str) -> str:
    name = address.strip("[]").rstrip(".").lower()
    try:
        parsed = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return THIS_HOST if name == "localhost" else f"host:{name}"
    return THIS_HOST if parsed.is_loopback else f"host:{parsed}"


def _servers(target: Target) -> Iterator[str]:
    if target.kind is TargetKind.RBD and target.rbd is not None:
        # All pools of a cluster lie on the same disks, more or less.
        yield f"rbd:{target.rbd.cluster}"
    elif target.kind is TargetKind.NBD:
        server = urlsplit(target.path)
        # By a Unix socket it is a process of the agent's host.
        if server.hostname is not None:
            yield f"nbd:{server.hostname}"
