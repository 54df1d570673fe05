"""Exit 0 when every service of the cloud "lab" answers and says that it is up."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import openstack
from openstack.connection import Connection

COMPUTE = ("nova-conductor", "nova-scheduler", "nova-compute")
VOLUME = ("cinder-scheduler", "cinder-volume")


def missing(cloud: Connection) -> Iterator[str]:
    """What does not answer or says that it is down."""
    heat = cloud.orchestration.get("/services").json()["services"]
    if not any(service["status"] == "up" for service in heat):
        yield "heat-engine"
    up = {service.binary for service in cloud.compute.services() if service.state == "up"}
    up |= {service.binary for service in cloud.block_storage.services() if service.state == "up"}
    yield from (name for name in (*COMPUTE, *VOLUME) if name not in up)
    if not any(host.state == "up" for host in cloud.compute.hypervisors()):
        yield "a hypervisor"
    # The scheduler may not have heard of cinder-volume yet.
    if not list(cloud.block_storage.backend_pools()):
        yield "a volume back end"
    # Only whether they answer.
    next(iter(cloud.image.images()), None)
    next(iter(cloud.network.networks()), None)


if __name__ == "__main__":
    absent = list(missing(openstack.connect(cloud="lab")))
    if absent:
        sys.exit(f"not ready: {', '.join(absent)}")
    sys.stdout.write("every service is up\n")
