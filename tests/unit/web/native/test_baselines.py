"""Baselines through the API: accepted, pinned, cleared, anchored; as a file, out and in again."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from unit.web.native.callers import as_caller

from storperf.model.access import Scope
from storperf.settings import read_settings
from storperf.web.app import create_app


@pytest.fixture
def post(client):
    """Send a document below /api/v3; the answer's, once the status is the one expected."""

    def sent(path, status=200, **document):
        answer = client.post(f"/api/v3/{path}", json=document)
        assert answer.status_code == status, answer.text
        return answer.json()

    return sent


def places(get, run):
    """A run's places in the baseline of its job."""
    return [each for each in get("baselines", job="imported")["entries"] if each["run"] == run]


def test_a_run_is_accepted_and_pinned_by_the_word_of_the_caller(get, post, runs):
    run = runs[0]
    entries = post(f"runs/{run}/baseline/set", why="looked at it")["entries"]
    assert {(each["who"], each["why"]) for each in entries} == {("the adminer", "looked at it")}
    post(f"runs/{run}/baseline/pin")
    assert all(each["pinned"] for each in places(get, run))
    post(f"runs/{run}/baseline/unpin")
    assert not any(each["pinned"] for each in places(get, run))


def test_a_baseline_is_cleared_and_its_runs_stay(get, post, runs):
    post(f"runs/{runs[0]}/baseline/set")
    assert post("baselines/clear", job="imported")["cleared"] > 0
    assert not any(each["accepted"] for each in get("baselines", job="imported")["entries"])
    assert [each["id"] for each in get("runs")["runs"]] == runs


def test_a_baseline_begins_anew_and_that_is_taken_back(get, post, runs):
    (anchor,) = post(f"runs/{runs[0]}/baseline/anchor", why="new disks")["anchors"]
    assert (anchor["run"], anchor["who"], anchor["why"]) == (runs[0], "the adminer", "new disks")
    (back,) = post("baselines/unanchor", job="imported")["anchors"]
    assert back["run"] is None
    assert len(get("baselines", job="imported")["anchors"]) == 2
    post("baselines/unanchor", 400, job="imported")


def test_a_baseline_goes_from_one_server_to_another(client, post, runs, tmp_path):
    post(f"runs/{runs[0]}/baseline/set")
    text = client.get("/api/v3/baselines/file", params={"job": "imported"}).text
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    there = read_settings({"HOME": str(elsewhere)}, elsewhere)
    with TestClient(create_app(there)) as other:
        as_caller(other, there, Scope.ADMIN)
        for state in ("added", "known"):
            taken = other.post("/api/v3/baselines/file", json={"text": text})
            assert {each["state"] for each in taken.json()["runs"]} == {state}
        entries = other.get("/api/v3/baselines", params={"job": "imported"}).json()["entries"]
        assert runs[0] in {each["run"] for each in entries if each["accepted"]}


def test_a_damaged_file_of_a_baseline_is_refused(client, get, post, runs):
    post(f"runs/{runs[0]}/baseline/set")
    document = client.get("/api/v3/baselines/file", params={"job": "imported"}).json()
    document["lab"] = "other"
    post("baselines/file", 400, text=json.dumps(document))
    post("baselines/file", 400, text="no file")
    assert get("baselines", job="imported", lab="other")["entries"] == []


def test_only_an_admin_changes_what_others_are_judged_against(client, settings, post, runs):
    as_caller(client, settings, Scope.RUN)
    for verb in ("set", "pin", "unpin", "anchor"):
        post(f"runs/{runs[0]}/baseline/{verb}", 403)
    post("baselines/clear", 403, job="imported")
    post("baselines/unanchor", 403, job="imported")
    post("baselines/file", 403, text="{}")


def test_a_job_without_accepted_runs_has_no_file(get):
    assert get("baselines/file", 404, job="other")["exit_code"] == 2
