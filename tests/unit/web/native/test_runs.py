"""What /api/v3 says of runs: lists by page, a run's parts, its files."""

from __future__ import annotations

import json

import jsonschema
import pytest

from storperf import service
from storperf.reports.registry import REPORTERS
from storperf.reports.result_json import render_json, result_schema
from storperf.reports.verdict_schema import verdict_schema
from storperf.web.native.files import ReportForm

pytestmark = pytest.mark.usefixtures("runs")


def test_pages_give_every_run_once_in_the_order_asked_for(get, runs):
    for order in ("asc", "desc"):
        for sort in ("created", "ended", "job"):
            seen, after = [], None
            while after is not None or not seen:
                more = {} if after is None else {"after": after}
                page = get("runs", limit=1, sort=sort, order=order, **more)
                seen += [run["id"] for run in page["runs"]]
                after = page["next"]
            wanted = runs if order == "desc" else runs[::-1]
            assert seen == wanted if sort != "ended" else sorted(seen) == sorted(wanted)


def test_conditions_leave_out_what_does_not_fit(get, runs):
    newest = get("runs", limit=1)["runs"][0]
    for fitting in (
        {"job": "imported"},
        {"lab": "local"},
        {"state": "completed"},
        {"text": newest["id"][:12].upper()},
        {"from": str(int(newest["created_s"]))},
        {"verdict": newest["verdict"]},
    ):
        assert newest in get("runs", **fitting)["runs"]
    for other in (
        {"job": "other"},
        {"lab": "other"},
        {"state": "running"},
        {"text": "100%"},
        {"from": "2037-01-01"},
        {"until": "2001-01-01"},
        {"verdict": "fail"},
    ):
        assert get("runs", **other)["runs"] == []
    assert len(get("runs")["runs"]) == len(runs)


@pytest.mark.parametrize(
    "after", ["x", "bnVsbA", "W10", "WyIiLCIiXQ", "WzEuMCwiXHUwMDAwIl0", "W05hTiwiYSJd", "é", "{}"]
)
def test_a_made_up_cursor_is_refused(get, after):
    assert "`next`" in get("runs", 400, after=after)["error"]


def test_a_run_is_shown_as_the_command_line_exports_it(get, settings, runs):
    found = get(f"runs/{runs[0]}")
    assert found == json.loads(render_json(service.show(settings, runs[0])))
    jsonschema.validate(found, result_schema())
    assert get("runs/last") == found
    assert get(f"runs/{runs[0][:-3]}") == found


def test_a_runs_parts_are_those_of_its_result(get, runs):
    whole = get(f"runs/{runs[0]}")
    assert get(f"runs/{runs[0]}/steps")["steps"] == whole["steps"]
    trials = get(f"runs/{runs[0]}/trials")["trials"]
    assert [each["id"] for each in trials] == [
        trial["id"] for step in whole["steps"] for trial in step["trials"]
    ]
    first = trials[0]["id"]
    assert get(f"runs/{runs[0]}/trials/{first}")["trials"] == trials[:1]
    verdict = get(f"runs/{runs[0]}/verdict")
    assert verdict == whole["verdict"]
    jsonschema.validate(verdict, verdict_schema())
    assert get(f"runs/{runs[0]}/explanation")["verdict"] == verdict
    assert get(f"runs/{runs[0]}/log")["run"] == runs[0]
    assert get(f"runs/{runs[0]}/agents")["run"] == runs[0]


@pytest.mark.parametrize("part", ["", "/steps", "/verdict", "/log", "/artefacts", "/report"])
def test_an_unknown_run_is_not_found(get, part):
    assert "no run" in get(f"runs/20010101-000000-aaaa{part}", 404)["error"]


def test_an_unknown_trial_is_not_found_and_the_known_ones_are_told(get, runs):
    known = get(f"runs/{runs[0]}/trials")["trials"][0]["id"]
    assert known in get(f"runs/{runs[0]}/trials/nothing", 404)["error"]
    assert known in get(f"runs/{runs[0]}/trials/{known}/intervals", 404, attempt=9)["error"]


def test_every_form_of_a_report_is_given_to_be_saved(client, runs):
    assert {form.value for form in ReportForm} == {"html", "table", *REPORTERS}
    for form in ReportForm:
        answer = client.get(f"/api/v3/runs/{runs[0]}/report", params={"format": form.value})
        assert answer.status_code == 200
        assert runs[0] in answer.text
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_each_listed_artefact_can_be_fetched(client, get, settings, runs):
    (settings.results / "runs" / runs[0] / "raw").mkdir(exist_ok=True)
    odd = settings.results / "runs" / runs[0] / "raw" / 'o"dd näme;.json.gz'
    odd.write_bytes(b"\x1f\x8b")
    listed = get(f"runs/{runs[0]}/artefacts")["artefacts"]
    assert f"raw/{odd.name}" in {each["path"] for each in listed}
    for each in listed:
        answer = client.get(f"/api/v3/runs/{runs[0]}/artefacts/{each['path']}")
        assert answer.status_code == 200
        assert len(answer.content) == each["size_bytes"]
        assert answer.headers["content-disposition"].count('"') == 2


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e/%2e%2e/storperf.sqlite3",
        "..%2f..%2fstorperf.sqlite3",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "link",
        "folder/storperf.sqlite3",
        "a%00b",
        "",
    ],
)
def test_no_path_leads_out_of_the_runs_folder(client, settings, runs, path):
    folder = settings.results / "runs" / runs[0]
    (folder / "link").symlink_to(settings.results / "storperf.sqlite3")
    (folder / "folder").symlink_to(settings.results)
    assert client.get(f"/api/v3/runs/{runs[0]}/artefacts/{path}").status_code == 404
