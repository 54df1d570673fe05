"""Make the project, networks, flavor, image and volume types that the tests name, once.

usage: seed.py IMAGE_FOLDER PASSWORD   (cloud "lab" of clouds.yaml)
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

# Nova starts the kernel itself: no firmware and no boot loader, which are slow under emulation.
KERNEL_LINE = "root=LABEL=storperf-root ro net.ifnames=0 console=ttyS0 quiet mitigations=off"


def seed_networks(cloud: Connection) -> None:
    """A shared one without DHCP (addresses come on the config drive), and an external one."""
    network = cloud.network
    net = network.find_network("lab-net") or network.create_network(
        name="lab-net",
        provider_network_type="flat",
        provider_physical_network="lab",
        is_shared=True,
    )
    network.find_subnet("lab-subnet") or network.create_subnet(
        name="lab-subnet",
        network_id=net.id,
        ip_version=4,
        cidr="10.77.0.0/24",
        gateway_ip="10.77.0.1",
        allocation_pools=[{"start": "10.77.0.10", "end": "10.77.0.200"}],
        is_dhcp_enabled=False,
    )
    # Where routers would lead to and floating IPs come from: objects only, no packet goes there.
    public = network.find_network("lab-public") or network.create_network(
        name="lab-public",
        provider_network_type="flat",
        provider_physical_network="public",
        is_router_external=True,
    )
    network.find_subnet("lab-public-subnet") or network.create_subnet(
        name="lab-public-subnet",
        network_id=public.id,
        ip_version=4,
        cidr="203.0.113.0/24",
        is_dhcp_enabled=False,
    )


def seed_machines(cloud: Connection) -> None:
    """A flavor, and two volume types on the same back end, for comparisons of two."""
    cloud.compute.find_flavor("lab.small") or cloud.compute.create_flavor(
        name="lab.small", ram=512, vcpus=1, disk=2
    )
    for name in ("lab", "lab-other"):
        cloud.block_storage.find_type(name) or cloud.block_storage.create_type(name=name)


def seed_project(cloud: Connection, password: str) -> str:
    """The id of a project like a pipeline's: its user has the role member and nothing else."""
    ident = cloud.identity
    project = ident.find_project("bench") or ident.create_project(name="bench", domain_id="default")
    user = ident.find_user("bench") or ident.create_user(
        name="bench", password=password, domain_id="default", default_project_id=project.id
    )
    ident.assign_project_role_to_user(project, user, ident.find_role("member"))
    return str(project.id)


def seed_quotas(cloud: Connection, project: str) -> None:
    """Room for fifty agents."""
    cloud.set_compute_quotas(
        project,
        instances=100,
        cores=200,
        ram=204800,
        key_pairs=100,
        server_groups=20,
        server_group_members=100,
    )
    cloud.set_volume_quotas(project, volumes=200, gigabytes=2000)
    cloud.set_network_quotas(project, ports=300, floating_ips=50, security_groups=50)


def upload(cloud: Connection, name: str, path: Path, kind: str, **properties: str) -> Any:
    """The image of that name; a public one of the file when there is none."""
    found = cloud.image.find_image(name)
    if found:
        return found
    return cloud.create_image(
        name,
        filename=str(path),
        disk_format=kind,
        container_format=kind if kind in {"aki", "ari"} else "bare",
        wait=True,
        validate_checksum=False,
        use_import=False,
        visibility="public",
        **properties,
    )


def seed_image(cloud: Connection, folder: Path) -> None:
    """The guest image, or where there is none a dummy: Nova's fake driver never reads it."""
    if (folder / "storperf-agent.qcow2").exists():
        kernel = upload(cloud, "lab-kernel", folder / "vmlinuz", "aki")
        initrd = upload(cloud, "lab-initrd", folder / "initrd", "ari")
        boot = {"kernel_id": kernel.id, "ramdisk_id": initrd.id, "os_command_line": KERNEL_LINE}
        upload(cloud, "lab-image", folder / "storperf-agent.qcow2", "qcow2", **boot)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(1 << 20))
        file.flush()
        upload(cloud, "lab-image", Path(file.name), "raw")


if __name__ == "__main__":
    lab = openstack.connect(cloud="lab")
    level = int(os.environ["LEVEL"])
    bench = seed_project(lab, sys.argv[2])
    if level >= 2:
        seed_quotas(lab, bench)
        seed_networks(lab)
        seed_machines(lab)
        # Only level 3 has machines that boot.
        seed_image(lab, Path(sys.argv[1]) if level >= 3 else Path("/nonexistent"))
