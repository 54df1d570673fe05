"""Create Keystone users, services and endpoints; does nothing for what exists.

usage: register.py PASSWORD USER:TYPE:URL...   (cloud "lab" of clouds.yaml)
"""

from __future__ import annotations

import sys

import openstack
from openstack.connection import Connection

ROLES = ("admin", "service", "member", "heat_stack_owner", "heat_stack_user")


def register(cloud: Connection, password: str, wanted: list[str]) -> None:
    """Each of `wanted` becomes a service user, a service and its three endpoints."""
    ident = cloud.identity
    project = ident.find_project("service") or ident.create_project(
        name="service", domain_id="default"
    )
    roles = {name: ident.find_role(name) or ident.create_role(name=name) for name in ROLES}
    services = {service.type: service for service in ident.services()}
    endpoints = {(endpoint.service_id, endpoint.interface) for endpoint in ident.endpoints()}
    for item in wanted:
        name, kind, url = item.split(":", 2)
        user = ident.find_user(name) or ident.create_user(
            name=name, password=password, domain_id="default"
        )
        # "service": the service token of Nova must carry it.
        for role in ("admin", "service"):
            ident.assign_project_role_to_user(project, user, roles[role])
        service = services.get(kind) or ident.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            if (service.id, interface) not in endpoints:
                ident.create_endpoint(
                    service_id=service.id, interface=interface, url=url, region_id="RegionOne"
                )
    # Heat keeps the users that it makes for stacks in a domain of its own.
    domain = ident.find_domain("heat") or ident.create_domain(name="heat")
    admin = ident.find_user("heat_domain_admin", domain_id=domain.id) or ident.create_user(
        name="heat_domain_admin", password=password, domain_id=domain.id
    )
    ident.assign_domain_role_to_user(domain, admin, roles["admin"])


if __name__ == "__main__":
    register(openstack.connect(cloud="lab"), sys.argv[1], sys.argv[2:])
