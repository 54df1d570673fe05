"""Asking for runs by request: what is put into the queue, taken back, asked for again."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from unit.web.native.callers import as_caller

from storperf import service
from storperf.jobfile.places import Places
from storperf.model.access import Scope
from storperf.model.run import Run, RunState
from storperf.plan import plan_job
from storperf.queueing import asking
from storperf.web.app import create_app
from storperf.web.configuration import Configuration

JOB = "name: quick\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"


@pytest.fixture
def post(client):
    """Send a document below /api/v3; the answer's, once the status is the one expected."""

    def sent(path, document=None, status=202, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.post(f"/api/v3/{path}", json=document or {}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return sent


def test_a_run_that_is_asked_for_waits_in_the_queue(post, get):
    entry = post("runs", {"text": JOB, "title": "mine", "priority": 7})["entry"]
    assert (entry["state"], entry["title"], entry["priority"]) == ("queued", "mine", 7)
    assert entry["submitted_by"] == "the adminer"
    assert get("queue")["entries"] == [entry]
    assert get(f"queue/{entry['run_id']}")["entry"] == entry
    assert "has not begun" in get(f"runs/{entry['run_id']}", 409)["error"]


def test_a_stored_job_is_run_by_its_name_and_version(client, post):
    for text in (JOB, JOB.replace("1s", "2s")):
        assert client.put("/api/v3/jobs/nightly", json={"text": text}).status_code == 200
    newest = post("runs", {"job": "nightly"})["entry"]
    first = post("runs", {"job": "nightly", "version": 1})["entry"]
    assert ("2s" in newest["job_text"], "1s" in first["job_text"]) == (True, True)


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 400),
        ({"text": JOB, "job": "nightly"}, 400),
        ({"job": "unknown"}, 404),
        ({"text": JOB, "priority": 1000}, 422),
        ({"text": JOB, "title": "a\nb"}, 422),
        ({"text": JOB, "not_before": "tomorrow"}, 400),
        ({"text": JOB + "allow_unsafe_fio_options: true\n"}, 400),
        ({"text": JOB.replace("{null_engine: true}", "/dev/sda")}, 400),
    ],
)
def test_what_cannot_be_run_is_refused_and_nothing_waits(post, get, document, status):
    assert post("runs", document, status)["exit_code"] == 2
    assert get("queue")["entries"] == []


def test_the_same_key_makes_one_run_and_another_caller_has_keys_of_its_own(
    client, settings, post, get
):
    once = {"Idempotency_Key": "key 1"}
    first = post("runs", {"text": JOB}, **once)["entry"]
    assert post("runs", {"text": JOB}, **once)["entry"] == first
    assert "another job" in post("runs", {"text": JOB + "# else\n"}, 409, **once)["error"]
    as_caller(client, settings, Scope.RUN)
    post("runs", {"text": JOB}, **once)
    assert len(get("queue")["entries"]) == 2


def test_a_run_that_waits_is_taken_back_and_deleted(client, post, get):
    run = post("runs", {"text": JOB})["entry"]["run_id"]
    assert client.delete(f"/api/v3/runs/{run}").status_code == 409
    assert post(f"runs/{run}/cancel")["state"] == "cancelled"
    post(f"runs/{run}/cancel", status=409)
    assert get("queue")["entries"] == []
    assert [each["run_id"] for each in get("queue", all=True)["entries"]] == [run]
    assert client.delete(f"/api/v3/runs/{run}").status_code == 204
    get(f"queue/{run}", 404)


def test_a_run_that_waits_gets_another_priority(client, post, get):
    run = post("runs", {"text": JOB})["entry"]["run_id"]
    moved = client.patch(f"/api/v3/queue/{run}", json={"priority": 9})
    assert moved.json()["entry"]["priority"] == 9
    assert get(f"queue/{run}")["entry"]["priority"] == 9


def test_a_job_that_came_in_a_request_is_asked_for_again(post):
    run = post("runs", {"text": JOB})["entry"]["run_id"]
    again = post(f"runs/{run}/rerun")["entry"]
    assert again["run_id"] != run
    assert again["job_text"] == post(f"runs/{again['run_id']}/rerun")["entry"]["job_text"]


def test_only_an_admin_runs_what_no_request_may_ask_for_again(client, settings, post):
    with service.open_store(settings) as store:
        own = asking.submit(
            settings, store, f"{JOB}allow_unsafe_fio_options: true\n", submitted_by="root"
        )
    post(f"runs/{own.run_id}/rerun")
    as_caller(client, settings, Scope.RUN)
    post(f"runs/{own.run_id}/rerun", status=403)


def scratch_named(settings, folder):
    """An application whose configuration means that folder by `scratch`."""
    target = {"directory": str(folder), "size": "16M"}
    places = Places(targets={"scratch": target})
    return TestClient(create_app(settings, configuration=Configuration(places=places)))


def test_a_run_that_is_asked_for_again_keeps_what_its_names_meant(settings, tmp_path):
    named = JOB.replace("{null_engine: true}", "scratch")
    with scratch_named(settings, tmp_path / "old") as client:
        as_caller(client, settings, Scope.RUN)
        run = client.post("/api/v3/runs", json={"text": named}).json()["entry"]["run_id"]
        assert client.post(f"/api/v3/runs/{run}/rerun").status_code == 202
    with scratch_named(settings, tmp_path / "new") as client:
        client.headers["Authorization"] = "Bearer secret of run"
        refused = client.post(f"/api/v3/runs/{run}/rerun")
        assert refused.status_code == 403
        assert "configuration has changed" in refused.json()["error"]
        as_caller(client, settings, Scope.ADMIN)
        again = client.post(f"/api/v3/runs/{run}/rerun").json()["entry"]
        assert f"{tmp_path}/old" in again["job_text"]
        # What an admin had run again is no way around.
        client.headers["Authorization"] = "Bearer secret of run"
        assert client.post(f"/api/v3/runs/{again['run_id']}/rerun").status_code == 403


def test_what_has_ended_is_not_resumed_cancelled_or_run_from_an_import(client, post, runs):
    for verb in ("resume", "cancel", "rerun"):
        post(f"runs/{runs[0]}/{verb}", status=409)
        post(f"runs/20010101-000000-aaaa/{verb}", status=404)
    assert client.delete(f"/api/v3/runs/{runs[0]}").status_code == 204
    assert client.delete(f"/api/v3/runs/{runs[0]}").status_code == 404


def test_a_reader_starts_and_ends_nothing(client, settings, post, runs):
    as_caller(client, settings, Scope.READ)
    post("runs", {"text": JOB}, 403)
    for verb in ("resume", "cancel", "rerun"):
        post(f"runs/{runs[0]}/{verb}", status=403)
    assert client.delete(f"/api/v3/runs/{runs[0]}").status_code == 403


def test_a_run_whose_manager_is_gone_is_put_into_the_queue_under_its_own_id(settings, post, get):
    with service.open_store(settings) as store:
        entry = asking.make_entry(
            settings, JOB, submitted_by="root", title=None, priority=0, facts={}
        )
        job = asking.parse_trusted(settings, JOB)
        store.create_run(
            Run(
                id=entry.run_id,
                job_name=job.name,
                lab=job.lab,
                title=None,
                job_text=JOB,
                state=RunState.RUNNING,
                phase=None,
                created_s=1.0,
            ),
            plan_job(job),
        )
    assert post(f"runs/{entry.run_id}/resume")["state"] == "running"
    assert [each["run_id"] for each in get("queue")["entries"]] == [entry.run_id]
    post(f"runs/{entry.run_id}/resume")
    assert len(get("queue")["entries"]) == 1
