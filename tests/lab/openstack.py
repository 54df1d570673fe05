"""The small real OpenStack of tests/openstack/lab, as scripts/test-openstack.sh brought it up."""

from __future__ import annotations

import io
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from storperf.deadline import Deadline
from storperf.errors import CloudError
from storperf.providers.openstack_session import Cloud, open_cloud
from storperf.settings import read_settings

# The user of a pipeline, with the role member in a project of its own; and the administrator.
BENCH = "bench"
ADMIN = "lab"
# Of the project `bench`, each with the path of its list and the key of the answer.
THINGS = {
    "stacks": ("orchestration", "/stacks", "stacks"),
    "servers": ("compute", "/servers", "servers"),
    "key pairs": ("compute", "/os-keypairs", "keypairs"),
    "server groups": ("compute", "/os-server-groups", "server_groups"),
    "volumes": ("volume", "/volumes", "volumes"),
    "ports": ("network", "/ports", "ports"),
    "floating IPs": ("network", "/floatingips", "floatingips"),
    "routers": ("network", "/routers", "routers"),
}


def folder() -> Path:
    """Where the lab's files are."""
    return Path(os.environ["STORPERF_OPENSTACK_LAB"])


def environment(cloud: str = BENCH) -> dict[str, str]:
    """What OpenStack's clients need to hear of a user of the lab."""
    return {"OS_CLIENT_CONFIG_FILE": str(folder() / "etc/clouds.yaml"), "OS_CLOUD": cloud}


def cloud(name: str = BENCH) -> Cloud:
    """The services, as a user of the lab sees them."""
    place = folder()
    settings = read_settings(environment(name), place)
    return open_cloud(settings, patience_s=30.0)


def left_in(cloud: Cloud, *names: str) -> dict[str, list[str]]:
    """Which things of each kind the cloud's project holds, by their names or ids."""
    found = {}
    for name in names or THINGS:
        service, path, key = THINGS[name]
        entries = getattr(cloud, service).get(path)[key]
        # Heat tells of a stack's end a moment before it forgets the stack.
        entries = [each for each in entries if each.get("stack_status") != "DELETE_COMPLETE"]
        found[name] = [_name(each.get("keypair", each)) for each in entries]
    return found


@contextmanager
def flavor(**size: int) -> Iterator[str]:
    """A public flavor of that size; its name."""
    compute = cloud(ADMIN).compute
    name = f"test-{uuid.uuid4()}"
    made = compute.post("/flavors", {"flavor": {"name": name, **size}})["flavor"]
    try:
        yield name
    finally:
        compute.delete(f"/flavors/{made['id']}")


@contextmanager
def image(**needs: int) -> Iterator[str]:
    """A public image that needs so much; its name.  Nothing is in it."""
    glance = cloud(ADMIN).image
    name = f"test-{uuid.uuid4()}"
    form = {"disk_format": "raw", "container_format": "bare", "visibility": "public"}
    made = glance.post("/images", {"name": name, **form, **needs})
    try:
        glance.upload(f"/images/{made['id']}/file", io.BytesIO(b"x" * 512), Deadline.after(60))
        yield name
    finally:
        glance.delete(f"/images/{made['id']}")


@contextmanager
def volume_type_without_backend() -> Iterator[str]:
    """A volume type that no backend offers: Cinder takes its volumes, which end in `error`."""
    cinder = cloud(ADMIN).volume
    name = f"test-{uuid.uuid4()}"
    asked = {"name": name, "extra_specs": {"volume_backend_name": "nowhere"}}
    made = cinder.post("/types", {"volume_type": asked})["volume_type"]
    try:
        yield name
    finally:
        cinder.delete(f"/types/{made['id']}")


# The quotas of a project by storperf's word for each: of which service, and its own word.
_QUOTAS = {
    "instances": ("compute", "instances"),
    "cores": ("compute", "cores"),
    "RAM (MB)": ("compute", "ram"),
    "server groups": ("compute", "server_groups"),
    "server group members": ("compute", "server_group_members"),
    "volumes": ("volume", "volumes"),
    "gigabytes": ("volume", "gigabytes"),
    "ports": ("network", "port"),
    "floating IPs": ("network", "floatingip"),
    "networks": ("network", "network"),
    "subnets": ("network", "subnet"),
    "routers": ("network", "router"),
    "security groups": ("network", "security_group"),
    "security group rules": ("network", "security_group_rule"),
}


def set_quotas(login: dict[str, str], counts: Mapping[str, int]) -> None:
    """Give a login's project so much, by storperf's words, and no more."""
    admin = cloud(ADMIN)
    project = cloud_of(login).who().project_id
    asked: dict[str, dict[str, int]] = {}
    for name, count in counts.items():
        service, word = _QUOTAS[name]
        asked.setdefault(service, {})[word] = count
    admin.compute.put(f"/os-quota-sets/{project}", {"quota_set": asked["compute"]})
    admin.volume.put(f"/os-quota-sets/{project}", {"quota_set": asked["volume"]})
    admin.network.put(f"/quotas/{project}", {"quota": asked["network"]})


@contextmanager
def application_credential(login: dict[str, str], **asked: bool) -> Iterator[dict[str, str]]:
    """The login by an application credential of a user's; taken back afterwards."""
    cloud = cloud_of(login)
    path = f"/users/{cloud.who().user_id}/application_credentials"
    body = {"application_credential": {"name": f"test-{uuid.uuid4()}", **asked}}
    made = _as_soon_as_known(cloud, path, body)["application_credential"]
    yield {
        "OS_AUTH_URL": login["OS_AUTH_URL"],
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": made["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": made["secret"],
    }
    cloud.identity.delete(f"{path}/{made['id']}")


def _as_soon_as_known(cloud: Cloud, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer, once each of Keystone's workers has heard of a user's role."""
    give_up_s = time.monotonic() + 60
    while True:
        try:
            return cloud.identity.post(path, body)
        except CloudError as error:
            if error.status != 400 or time.monotonic() > give_up_s:
                raise
        time.sleep(1)


def end_tokens(login: dict[str, str]) -> None:
    """Make every token of a user invalid, as time does; the password stays good."""
    admin = cloud(ADMIN).identity
    (user,) = admin.get("/users", name=login["OS_USERNAME"])["users"]
    admin.patch(f"/users/{user['id']}", {"user": {"password": login["OS_PASSWORD"]}})


def snapshot(cloud: Cloud, volume: str) -> str:
    """A snapshot of a volume that is in use; its id."""
    asked = {"snapshot": {"volume_id": volume, "force": True}}
    made: str = cloud.volume.post("/snapshots", asked)["snapshot"]["id"]
    _until_status(cloud, made, "available")
    return made


def delete_snapshot(cloud: Cloud, made: str) -> None:
    """Delete it, and return when it is gone."""
    cloud.volume.delete(f"/snapshots/{made}")
    _until_status(cloud, made, None)


def _until_status(cloud: Cloud, snapshot: str, wanted: str | None) -> None:
    give_up_s = time.monotonic() + 60
    while time.monotonic() < give_up_s:
        found = cloud.volume.find(f"/snapshots/{snapshot}")
        if (None if found is None else found["snapshot"]["status"]) == wanted:
            return
        time.sleep(0.2)
    raise AssertionError(f"snapshot {snapshot} is not {wanted}")


def _name(entry: dict[str, str]) -> str:
    return entry.get("stack_name") or entry.get("name") or entry["id"]


def cloud_of(login: dict[str, str]) -> Cloud:
    """The services, as OS_* variables of a login see them."""
    return open_cloud(read_settings(login, folder()), patience_s=30.0)


@contextmanager
def project(**quotas: int) -> Iterator[dict[str, str]]:
    """A project with quotas of Nova's, and the login (OS_*) of its only user; gone afterwards."""
    admin = cloud(ADMIN)
    name = f"test-{uuid.uuid4()}"
    ident = admin.identity
    made = ident.post("/projects", {"project": {"name": name, "domain_id": "default"}})["project"]
    asked = {"name": name, "password": name, "domain_id": "default"}
    user = ident.post("/users", {"user": asked})["user"]
    (role,) = ident.get("/roles", name="member")["roles"]
    ident.put(f"/projects/{made['id']}/users/{user['id']}/roles/{role['id']}", {})
    admin.compute.put(f"/os-quota-sets/{made['id']}", {"quota_set": quotas})
    try:
        yield {
            "OS_AUTH_URL": admin.login.auth["auth_url"],
            "OS_USERNAME": name,
            "OS_PASSWORD": name,
            "OS_PROJECT_NAME": name,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
        }
    finally:
        ident.delete(f"/users/{user['id']}")
        ident.delete(f"/projects/{made['id']}")
