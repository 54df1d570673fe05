"""What /api/v3 says beside runs: figures over runs, workloads, job files, the service itself."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from unit.web.native.callers import as_caller

from storperf import service
from storperf.model.access import Scope

JOB = "name: quick\ntarget: {null_engine: true}\nworkloads: [rr]\nduration: 1s\n"


def test_history_baseline_and_comparison_are_those_of_the_command_line(get, runs):
    history = get("history", job="imported")["history"]
    assert [run["id"] for run in history["runs"]] == runs
    entries = get("baselines", job="imported")["entries"]
    assert {entry["run"] for entry in entries} <= set(runs)
    found = get("comparisons", reference=runs[0], candidate="job=imported,last=1")["comparison"]
    assert [run["id"] for run in found["candidate"]["runs"]] == runs[:1]
    assert found["checks"]


def test_what_names_no_run_is_refused_in_our_form(get, runs):
    assert get("history", 404, job="other")["exit_code"] == 2
    assert get("comparisons", 404, reference=runs[0], candidate="other")["exit_code"] == 2
    words = {"reference": runs[0], "candidate": "job=imported,from=yesterday"}
    assert "is no time" in get("comparisons", 400, **words)["error"]


def test_a_comparison_reads_no_more_than_a_hundred_runs_of_a_side(get, settings, runs):
    add_runs(settings, runs[0], range(100 - len(runs)))
    assert get("comparisons", reference="job=imported", candidate=runs[0])
    add_runs(settings, runs[0], [100])
    refused = get("comparisons", 400, reference="job=imported", candidate=runs[0])
    assert "names 101 runs" in refused["error"]
    assert "last=100" in refused["error"]


def add_runs(settings, like, numbers):
    """Completed runs of the same plan of which nothing was measured."""
    with service.open_store(settings) as store:
        done, plan = store.get_run(like), store.plan(like)
        for number in numbers:
            again = {"id": f"{done.id}-{number}", "imported_from": f"sha256:{number:064}"}
            store.create_run(replace(done, **again), plan)


def test_a_workload_can_be_added_checked_and_removed(client, get):
    put = client.put("/api/v3/workloads/mine", json={"text": "rw: read\nbs: 8k\n"})
    assert put.status_code == 200
    assert get("workloads/mine")["text"] == "rw: read\nbs: 8k\n"
    (step,) = get("workloads/mine/steps")["steps"]
    assert step["block_size_bytes"] == 8192
    assert "mine" in {each["name"] for each in get("workloads")["workloads"]}
    again = client.put("/api/v3/workloads/mine", json={"text": "rw: write\n"})
    assert again.status_code == 409
    assert client.delete("/api/v3/workloads/mine").status_code == 204
    get("workloads/mine", 404)


def test_no_workload_that_runs_a_command_is_kept(client, get):
    put = client.put("/api/v3/workloads/mine", json={"text": "rw: read\nexec_prerun: id\n"})
    assert put.status_code == 400
    assert "exec_prerun" in put.json()["error"]
    get("workloads/mine", 404)


def test_a_job_file_is_checked_and_each_change_is_a_version(client, get):
    checked = client.post("/api/v3/jobs/validate", json={"text": JOB})
    assert checked.json()["trials"] == 1
    for text in (JOB, JOB, JOB.replace("1s", "2s")):
        assert client.put("/api/v3/jobs/mine", json={"text": text}).status_code == 200
    assert [each["version"] for each in get("jobs/mine")["versions"]] == [2, 1]
    assert get("jobs/mine/versions/1")["text"] == JOB
    assert [each["version"] for each in get("jobs")["jobs"]] == [2]
    get("jobs/mine/versions/3", 404)
    get("jobs/other", 404)


@pytest.mark.parametrize(("method", "path"), [("post", "jobs/validate"), ("put", "jobs/mine")])
def test_a_job_file_with_faults_is_refused_with_all_of_them(client, method, path):
    text = JOB.replace("name: quick", "nam: quick").replace("rr", "r")
    answer = client.request(method, f"/api/v3/{path}", json={"text": text})
    assert answer.status_code == 400
    assert "nam" in answer.json()["error"]
    assert "'r'" in answer.json()["error"]


def test_health_needs_no_token_and_everything_else_does(client):
    token = client.headers.pop("Authorization")
    assert client.get("/api/v3/health").status_code == 200
    routes = client.get("/api/v3/openapi.json").json()["paths"]
    for path, methods in routes.items():
        for method in methods:
            address = path.replace("{", "").replace("}", "")
            status = client.request(method, address).status_code
            assert (status == 401) == (path != "/api/v3/health"), path
    client.headers["Authorization"] = token


def test_a_reader_changes_nothing(client, settings):
    reader = as_caller(client, settings, Scope.READ)
    for method, path in (
        ("put", "workloads/mine"),
        ("delete", "workloads/mine"),
        ("put", "jobs/mine"),
        ("get", "log"),
    ):
        answer = reader.request(method, f"/api/v3/{path}", **_body(method))
        assert answer.status_code == 403
        assert answer.json()["exit_code"] == 2


def _body(method):
    return {"json": {"text": JOB}} if method == "put" else {}


def test_metrics_count_runs_by_state_and_verdict(client, runs):
    text = client.get("/api/v3/metrics").text
    counts = [
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("storperf_runs{")
    ]
    assert sum(counts) == len(runs)
    assert "process_max_resident_memory_bytes " in text


def test_an_admin_reads_the_end_of_the_servers_log(get):
    for number in range(3):
        logging.getLogger("storperf.made.up").warning("line %d", number)
    lines = get("log", limit=2)["lines"]
    assert [line["text"] for line in lines] == ["line 1", "line 2"]


def test_what_is_malformed_is_told_in_our_form_without_repeating_it(client, get):
    assert "limit" in get("runs", 422, limit="geheim")["error"]
    assert "geheim" not in get("runs", 422, limit="geheim")["error"]
    answer = client.post("/api/v3/jobs/validate", json={"text": ["geheim"]})
    assert answer.status_code == 422
    assert "geheim" not in answer.text


def test_an_empty_store_has_empty_lists(get, settings):
    assert service.list_runs(settings) == ()
    assert get("runs") == {"schema": "storperf-run-page/1", "runs": [], "next": None}
    assert get("jobs")["jobs"] == []
