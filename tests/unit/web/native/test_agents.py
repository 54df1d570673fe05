"""Hosts of agents: what runs have seen of them, and which can be looked at now."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from unit.web.native.callers import as_caller

from storperf.jobfile.places import Places
from storperf.model.access import Scope
from storperf.web.app import create_app
from storperf.web.configuration import Configuration

# Nobody listens there: the check says so, and needs no host.
NAMED = {
    "local": {"kind": "local"},
    "lab-a": {"kind": "ssh", "hosts": [{"address": "127.0.0.1", "port": 1, "name": "first"}]},
}


@pytest.fixture
def client(settings):
    configuration = Configuration(places=Places(providers=NAMED))
    with TestClient(create_app(settings, configuration=configuration)) as client:
        yield as_caller(client, settings, Scope.RUN)


def test_a_host_is_listed_once_with_the_newest_run_that_had_it(client, get, runs):
    store = client.app.state.served.store
    for number, run in enumerate(runs):
        facts = {"host": {"host": "node-7", "cpus": 8 + number}, "fio": "3.36"}
        store.set_run_facts(run, {"environment.agent-01": facts, "environment.agent-02": facts})
    document = get("agents")
    assert document["providers"] == ["lab-a", "local"]
    (host,) = document["hosts"]
    assert (host["host"], host["last_run"], host["runs"]) == ("node-7", runs[0], len(runs))
    assert host["facts"]["host"]["cpus"] == 8
    assert get("agents", limit=1)["hosts"][0]["runs"] == 1
    assert get("agents", job="other")["hosts"] == []


def test_hosts_that_the_configuration_names_are_looked_at(client):
    answer = client.post("/api/v3/agents/lab-a/check")
    assert answer.status_code == 200, answer.text
    (host,) = answer.json()["hosts"]
    assert (host["host"], host["exit_code"]) == ("first", 4)
    assert host["fault"]


@pytest.mark.parametrize(("provider", "status"), [("lab-b", 404), ("local", 400)])
def test_no_other_host_is_looked_at(client, provider, status):
    assert client.post(f"/api/v3/agents/{provider}/check").status_code == status


def test_a_reader_looks_at_no_host(client, settings):
    as_caller(client, settings, Scope.READ)
    assert client.post("/api/v3/agents/lab-a/check").status_code == 403
