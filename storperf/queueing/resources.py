"""What a job uses that no other run may use meanwhile."""

from __future__ import annotations

from storperf.model.job import Job


def resources_of(job: Job) -> tuple[str, ...]:
    """Names of resources, sorted: two runs that share one never overlap.

    Hosts of the job, or this machine: two loads on one host measure each other.
    """
    if job.provider.kind == "ssh":
        found = {f"host:{host.address}" for host in job.provider.hosts}
    elif job.provider.kind == "local":
        found = {"host:local"}
    else:
        found = set()
    return tuple(sorted(found))
