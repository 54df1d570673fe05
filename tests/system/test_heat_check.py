"""`storperf heat check` and `heat image upload` against a real OpenStack with fake servers."""

from __future__ import annotations

import hashlib
import subprocess
import time
import uuid

import pytest
from lab import openstack as lab

pytestmark = pytest.mark.openstack(2)

QUOTAS = ("instances", "cores", "RAM (MB)", "volumes", "gigabytes", "ports")
STACK = {"image": "lab-image", "flavor": "lab.small", "network": "lab-net"}


@pytest.fixture
def cloud():
    return lab.cloud()


def job(storperf, agents=2, volume=None, **stack):
    wish = {**STACK, **stack}.items()
    return storperf.job(
        target={"volume": {"size": "1G", "type": "lab", **(volume or {})}},
        matrix={"agents": agents, "queue_depth": 1},
        provider={"kind": "heat", "stack": {key: value for key, value in wish if value}},
    )


def wanted(text):
    """The number that a quota's finding begins with."""
    return int(text.partition(" needed, ")[0])


def check(storperf, *more, login=None, **asked):
    return storperf(
        *("heat", "check", job(storperf, **asked), "--json", *more), **(login or lab.environment())
    )


def in_the_way(ended):
    return {
        each["check"]: each["found"]
        for each in ended.json["findings"]
        if each["level"] == "problem" and each["remedy"]
    }


def test_a_job_that_fits_is_told_so(storperf):
    ended = check(storperf)
    assert ended.exit_code == 0, ended
    found = {each["check"]: each["found"] for each in ended.json["findings"]}
    assert found["login"].startswith("bench in project bench, by the cloud bench of ")
    assert found["instances"].endswith(" of 100 used)")
    assert [wanted(found[name]) for name in QUOTAS] == [2, 2, 1024, 2, 2, 2]
    assert {"Heat", "image", "flavor", "network", "volume types"} <= set(found)
    assert "labsecret" not in ended.stdout + ended.stderr
    table = storperf("heat", "check", job(storperf), **lab.environment())
    assert table.exit_code == 0
    assert "FIT for the job" in table.stdout


def test_everything_that_is_missing_is_told_at_once(storperf):
    ended = check(
        storperf,
        agents=150,
        volume={"type": "gold", "count": 2},
        image="no-such-image",
        flavor="no-such-flavor",
        network="lab-public",
        floating="lab-net",
        zones=["moon"],
        placement="spread",
    )
    assert ended.exit_code == 3, ended
    found = in_the_way(ended)
    assert found["image"] == "there is no no-such-image for this login"
    assert found["flavor"] == "there is no no-such-flavor for this login"
    assert wanted(found["instances"]) == 150
    assert wanted(found["volumes"]) == 300
    assert wanted(found["floating IPs"]) == 150
    assert wanted(found["server group members"]) == 150
    assert found["volume types"].startswith("there is no gold; there are: ")
    assert found["zones"] == "moon not available; there are: nova"
    assert "lab-net is no external network" in found["network"]


def test_an_own_network_is_held_against_the_external_one(storperf):
    ended = check(storperf, network=None, own_network={"public": "lab-public"})
    assert ended.exit_code == 0, ended
    found = {each["check"]: each["found"] for each in ended.json["findings"]}
    assert found["network"] == "lab-public, external"
    assert found["routers"].startswith("1 needed")
    assert found["floating IPs"].startswith("2 needed")


def test_an_application_credential_is_as_good_as_a_password(storperf, cloud):
    who = cloud.who()
    path = f"/users/{who.user_id}/application_credentials"
    asked = {"application_credential": {"name": f"test-{uuid.uuid4()}"}}
    made = cloud.identity.post(path, asked)["application_credential"]
    login = {
        "OS_AUTH_URL": cloud.login.auth["auth_url"],
        "OS_AUTH_TYPE": "v3applicationcredential",
        "OS_APPLICATION_CREDENTIAL_ID": made["id"],
        "OS_APPLICATION_CREDENTIAL_SECRET": made["secret"],
    }
    ended = check(storperf, login=login)
    assert ended.exit_code == 0, ended
    assert made["secret"] not in ended.stdout + ended.stderr
    cloud.identity.delete(f"{path}/{made['id']}")
    gone = check(storperf, login=login)
    assert gone.exit_code == 4
    assert "the application credential is gone" in gone.stderr
    assert made["secret"] not in gone.stdout + gone.stderr


def test_a_job_without_a_cloud_is_refused(storperf):
    ended = storperf("heat", "check", storperf.job(), **lab.environment())
    assert ended.exit_code == 2
    assert "only `kind: heat` needs a cloud" in ended.stderr


def test_an_image_is_uploaded_once_and_only_as_its_checksum_says(storperf, cloud):
    path = storperf.folder / "agent.qcow2"
    # Glance looks into it.
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"], check=True)
    name = f"agent-{uuid.uuid4()}"
    upload = ("heat", "image", "upload", path.name, "--name", name, "--lifetime", "1d", "--json")

    lacking = storperf(*upload, **lab.environment())
    assert lacking.exit_code == 2
    assert "agent.qcow2.sha256 is missing" in lacking.stderr

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("agent.qcow2.sha256").write_text(f"{digest}  agent.qcow2\n")
    first = storperf(*upload, **lab.environment())
    assert first.exit_code == 0, first
    stored = cloud.image.get(f"/images/{first.json['id']}")
    assert (stored["status"], stored["visibility"]) == ("active", "private")
    assert stored["storperf_sha256"] == digest
    assert stored["tags"] == ["storperf"]
    assert "@" in stored["storperf_owner"]
    assert stored["storperf_expires"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert (stored["hw_disk_bus"], stored["hw_cdrom_bus"]) == ("virtio", "scsi")
    assert stored["os_hash_value"] == hashlib.sha512(path.read_bytes()).hexdigest()

    again = storperf(*upload, **lab.environment())
    assert (again.json["id"], again.json["is_new"]) == (first.json["id"], False)

    path.write_bytes(path.read_bytes() + b"!")
    changed = storperf(*upload, **lab.environment())
    assert changed.exit_code == 2
    assert "is not what agent.qcow2.sha256 says" in changed.stderr

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("agent.qcow2.sha256").write_text(f"{digest}  agent.qcow2\n")
    taken = storperf(*upload, **lab.environment())
    assert taken.exit_code == 2
    assert "has another image" in taken.stderr
    assert len(cloud.image.get("/images", name=name)["images"]) == 1
    cloud.image.delete(f"/images/{first.json['id']}")
