"""What made the earlier systems do as a stranger wished: refused here, or harmless."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from storperf import tokens
from storperf.model.access import Scope
from storperf.service import open_store
from storperf.settings import read_settings
from storperf.web.app import create_app

NULL = "{null_engine: true}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "secret").write_text("hunter2")
    return read_settings({"HOME": str(home)}, Path(home))


@pytest.fixture(scope="module")
def client(settings):
    with open_store(settings) as store:
        _, secret = tokens.add_token(store, "jenkins", Scope.RUN)
    headers = {"Authorization": f"Bearer {secret}"}
    with TestClient(create_app(settings), headers=headers, follow_redirects=False) as client:
        yield client


def job(target=NULL, workloads="[rr]", more=""):
    return f"name: n\ntarget: {target}\nworkloads: {workloads}\n{more}"


@pytest.mark.parametrize(
    "text",
    [
        job("{device: '/dev/sda; id', serial: S, destroy: true}"),
        job("{directory: '/tmp/$(id)'}"),
        job("{directory: '../../etc'}"),
        job("{place: '../../etc/passwd'}"),
        job("{device: /dev/sda, serial: S, destroy: true, mkfs: {type: xfs, options: [';id']}}"),
        job(workloads="[{rw: read, exec_prerun: 'touch /tmp/owned'}]"),
        job(workloads="[{rw: read, rwmixread: '70 --exec_prerun=id'}]"),
        job(workloads='[{fio_file: "[a]\\nrw=read\\nruntime=1\\nexec_prerun=id\\n"}]'),
        job(workloads="[{fio_file: secret}]"),
        job(more="graphite: {host: 169.254.169.254, port: 80}\n"),
        job(more="graphite: {web: 'http://127.0.0.1:22'}\n"),
        job(more="provider: {kind: ssh, hosts: [{address: h, password_file: secret}]}\n"),
        job(more="provider: {kind: ssh, inventory: secret}\n"),
        job(more="observe: [{address: 169.254.169.254}]\n"),
        job(more="probes: [{name: p, nagios: [cat, secret]}]\n"),
        job(more="variables: {a: &x [1], b: *x}\n"),
        "a: " * 50_000,
        "[" * 50_000,
        job("!!python/object/apply:os.system [id]"),
        job().replace("name: n", 'name: "n\\r\\nINFO forged"'),
        job() + "\x00",
        job() + "# \ud800",
    ],
    ids=lambda text: text[-40:].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_a_job_that_reaches_beyond_its_names_is_refused_and_not_queued(client, text):
    # As json.dumps writes it, a lone surrogate is plain ASCII on the wire.
    body = json.dumps({"text": text})
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v3/runs", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert "hunter2" not in answer.text
    assert client.get("/api/v3/queue").json()["entries"] == []


def test_the_same_job_without_teeth_is_taken(client):
    answer = client.post("/api/v3/jobs/validate", json={"text": job()})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("field", ["title", "job"])
@pytest.mark.parametrize("text", ["a\x00b", "a\r\nb", "\ud800", "x" * 100_000, "' OR 1=1 --"])
def test_odd_words_are_no_fault_of_the_servers(client, field, text):
    document = {field: text, "text": job(more="provider: nobody\n")}
    answer = client.post(
        "/api/v3/runs",
        content=json.dumps(document),
        headers={"Content-Type": "application/json"},
    )
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "runs/..%2f..%2fsecret",
        "runs/%2e%2e%2f%2e%2e%2fsecret",
        "runs/x/artefacts/..%2f..%2f..%2fsecret",
        "runs/x/reports/..%2f..%2fsecret",
        "workloads/..%2fsecret",
        "workloads/%00",
        "jobs/..%2fsecret",
        "queue/' OR 1=1 --",
        "runs/%ff%fe",
    ],
)
def test_an_id_leads_to_no_file(client, path):
    answer = client.get(f"/api/v3/{path}")
    assert 400 <= answer.status_code < 500
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("words", ["' OR '1'='1", "'; DROP TABLE runs; --", "%", "\\", '"'])
@pytest.mark.parametrize("name", ["job", "lab", "title", "sort", "after", "limit"])
def test_a_question_is_no_statement(client, name, words):
    answer = client.get("/api/v3/runs", params={name: words})
    assert answer.status_code < 500
    assert client.get("/api/v3/runs").status_code == 200


@pytest.mark.parametrize("body", ["[" * 100_000, "{" * 100_000, "1" * 10_000, "\ud800", "", "nul"])
def test_a_body_that_is_no_document_is_refused(client, body):
    content = body.encode(errors="surrogatepass")
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v3/runs", content=content, headers=headers)
    assert 400 <= answer.status_code < 500


def test_a_secret_in_the_wrong_place_is_not_repeated(client):
    document = {"text": ["hunter3"], "password": "hunter3", "priority": "hunter3"}
    answer = client.post("/api/v3/runs", json=document)
    assert answer.status_code == 422
    assert "hunter3" not in answer.text
