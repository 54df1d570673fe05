"""A run's papers in a folder and in a bucket, whose server is moto."""

from __future__ import annotations

import subprocess

import pytest
import requests

pytest.importorskip("moto", reason="moto is not installed")
pytest.importorskip("botocore", reason="botocore is not installed")
from botocore.config import Config
from botocore.session import get_session
from moto.server import ThreadedMotoServer

PAPERS = ["figures.csv", "junit.xml", "report.html", "report.md", "result.json"]
ALL = sorted([*PAPERS, "publication.json", "SHA256SUMS"])
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
LOGIN = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET}
NOBODY = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}


@pytest.fixture
def bucket():
    """A server with an empty bucket `lab`: its address, and a client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    # Its servers share what they keep within a process.
    requests.post(f"{endpoint}/moto-api/reset", timeout=10).raise_for_status()
    client = get_session().create_client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}),
    )
    client.create_bucket(Bucket="lab")
    yield endpoint, client
    client.close()
    server.stop()


def keys(client):
    found = client.list_objects_v2(Bucket="lab").get("Contents", [])
    return sorted(each["Key"] for each in found)


def test_a_run_is_published_to_a_folder_and_to_a_bucket(storperf, bucket):
    endpoint, client = bucket
    run = storperf.run_job(provider=storperf.lying_fio(), lab="pod 9").json["run"]["id"]

    done = storperf("publish", "--to", "shelf", "--json")
    assert (done.exit_code, done.json["is_new"]) == (0, True), done
    place = storperf.folder / "shelf" / "pod_9" / "quick" / run
    assert done.json["where"] == str(place)
    assert sorted(path.name for path in place.iterdir()) == ALL
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=place, check=True)
    assert not storperf("publish", "--to", "shelf", "--json").json["is_new"]

    to = ("publish", "last", "--to", "s3://lab/storage/", "--endpoint", endpoint)
    first = storperf("-vvv", *to, **LOGIN, **NOBODY)
    assert first.exit_code == 0, first
    prefix = f"storage/pod_9/quick/{run}"
    assert keys(client) == sorted(f"{prefix}/{name}" for name in ALL)
    for name in ALL:
        body = client.get_object(Bucket="lab", Key=f"{prefix}/{name}")["Body"].read()
        assert body == (place / name).read_bytes()
    second = storperf(*to, **LOGIN, **NOBODY)
    assert "there already" in second.stdout, second
    client.delete_object(Bucket="lab", Key=f"{prefix}/report.html")
    assert storperf(*to, "--json", **LOGIN, **NOBODY).json["is_new"]
    assert len(keys(client)) == len(ALL)
    assert SECRET not in first.stdout + first.stderr


def test_what_keeps_a_publication_away_is_said(storperf, bucket):
    endpoint, client = bucket
    nothing = storperf("publish", "--to", "shelf")
    assert nothing.exit_code == 2
    assert not (storperf.folder / "shelf").exists()
    assert storperf.run_job(provider=storperf.lying_fio()).exit_code == 0

    def publish(place, where, **login):
        return storperf("publish", "--to", place, "--endpoint", where, **NOBODY, **login)

    unknown = publish("s3://lab/x", endpoint)
    assert (unknown.exit_code, "AWS_ACCESS_KEY_ID" in unknown.stderr) == (2, True), unknown
    absent = publish("s3://nowhere/x", endpoint, **LOGIN)
    assert (absent.exit_code, "there is no bucket 'nowhere'" in absent.stderr) == (2, True), absent
    away = publish("s3://lab/x", "http://127.0.0.1:9", **LOGIN)
    assert (away.exit_code, "cannot publish to s3://lab" in away.stderr) == (4, True), away
    assert publish("shelf", endpoint).exit_code == 2
    assert keys(client) == []
    for ended in (unknown, absent, away):
        assert SECRET not in ended.stdout + ended.stderr
