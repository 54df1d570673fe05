"""A Graphite of one's own: what was planned is what a real run makes, and dashboards show it."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from system.graphite_server import VENV, GraphiteServer

from storperf.sinks.paths import parse_path

JOB = {
    "name": "night run",
    "lab": "rack 7",
    "workloads": [
        {"name": "mix", "rw": "randrw", "rate_iops": 300},
        {"name": "rr", "rw": "randread", "rate_iops": 400},
    ],
    "duration": "3s",
    "limits": None,
}


@pytest.fixture(scope="module")
def graphite(make_program, tmp_path_factory):
    server = GraphiteServer(make_program(tmp_path_factory.mktemp("graphite")))
    server("up")
    yield server
    server("down")


@pytest.fixture(scope="module")
def job(graphite):
    return graphite.program.job(**JOB)


@pytest.fixture(scope="module")
def measured(graphite, job):
    """A real run, all of whose series are there."""
    ended = graphite.program("run", job, "--json")
    assert ended.exit_code == 3, ended
    give_up_s = time.monotonic() + 10
    # carbon-cache makes files once a second, those of the summary last.
    while not any(".summary." in path for path in files(graphite)):
        assert time.monotonic() < give_up_s
        time.sleep(0.2)
    return ended


def files(graphite):
    """Path to size of each of our whisper files."""
    folder = graphite.program.top / "home" / ".local/share/storperf/graphite/whisper"
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): path.stat().st_size
        for path in (folder / "storperf").rglob("*.wsp")
    }


def test_the_plan_is_what_the_run_made_file_by_file_and_byte_by_byte(graphite, job, measured):
    plan = graphite.program("graphite", "plan", job, "--json").json
    made = files(graphite)
    assert plan["files"] == len(made), sorted(made)
    assert plan["size_bytes"] == sum(made.values())
    assert sum(tree["files"] for tree in plan["trees"]) == plan["files"]


def test_the_second_night_makes_no_file(graphite, job, extracted):
    # After `extracted`, because a summary has one point a minute, and this run's may be the same.
    before = files(graphite)
    ended = graphite.program("run", job, "--json")
    assert ended.exit_code in (0, 3), ended
    assert files(graphite) == before


def test_the_rules_that_are_printed_are_those_of_the_files(graphite, measured):
    printed = graphite.program("graphite", "config", "--json").json["files"]
    state = graphite.program.top / "home/.local/state/storperf/graphite/conf"
    for name, text in printed.items():
        assert (state / name).read_text().startswith(text)
    folder = graphite.program.top / "home" / ".local/share/storperf/graphite/whisper"
    some = next(folder.glob("storperf/live/*/*/*/agent-01/host/cpu/user.wsp"))
    info = subprocess.run(
        [VENV / "bin/python", VENV / "bin/whisper-info.py", "--json", some],
        capture_output=True,
        check=True,
    )
    archives = json.loads(info.stdout)["archives"]
    kept = [(each["secondsPerPoint"], each["retention"]) for each in archives]
    assert kept == [(1, 6 * 3600), (10, 3 * 86400)]


@pytest.mark.parametrize("viewer", ["grafana", "graphite-web"])
def test_every_target_of_every_dashboard_shows_what_the_run_wrote(graphite, measured, viewer):
    place = ["--lab", JOB["lab"], "--job", JOB["name"]] if viewer == "graphite-web" else []
    boards = graphite.program("graphite", "dashboards", "--for", viewer, *place).json
    targets = [
        target.replace("$lab", "rack~20~7").replace("$job", "night~20~run")
        for board in boards.values()
        for target in _targets(board)
    ]
    assert len(targets) >= 29
    run = measured.json["run"]
    # The last minute's figures, of the summary tree too.
    times = {"from": int(run["created_s"]) - 60, "until": int(run["ended_s"]) + 60}
    for target in targets:
        series = graphite.get("/render", target=target, format="json", **times)
        points = [value for each in series for value, _ in each["datapoints"]]
        assert any(value is not None for value in points), target


def _targets(board):
    if "panels" in board:
        return [target["target"] for panel in board["panels"] for target in panel["targets"]]
    return [target for _, graph, _ in board["graphs"] for target in graph["target"]]


def test_dashboards_are_kept_in_graphite_web(graphite, measured):
    arguments = ("graphite", "dashboards", "--for", "graphite-web", "--load")
    loaded = graphite.program(*arguments, "--json").json["dashboards"]
    assert loaded[0] == f"{graphite.web}/dashboard/storperf-live"
    state = graphite.get("/dashboard/load/storperf-live")["state"]
    assert state["name"] == "storperf-live"
    kept = graphite.get("/dashboard/find", query="storperf")["dashboards"]
    assert len(kept) == 4


def test_every_series_of_the_run_has_a_name_that_is_given_back(graphite, measured):
    assert {parse_path(path).lab for path in files(graphite)} == {JOB["lab"]}


@pytest.fixture(scope="module")
def extracted(graphite, job, measured):
    """The run out of Graphite alone, in a store that has never seen it."""
    other = graphite.program.top / "other"
    run_id = measured.json["run"]["id"]
    arguments = ("baseline", "extract", "--job", job, "--run", run_id, "--json")
    ended = graphite.program("--results", other, *arguments)
    assert ended.exit_code == 0, ended
    return other, ended.json["runs"][0]


def test_figures_out_of_graphite_are_those_of_the_run_within_the_grid(measured, extracted):
    _, found = extracted
    stored = {
        (step["key"], figure["op"], figure["metric"]): figure["value"]
        for step in measured.json["steps"]
        for trial in step["trials"]
        for figure in trial["figures"]
        if figure["agent"] == "all"
    }
    made = {(each["step"], each["op"], each["metric"]): each for each in found["figures"]}
    assert made.keys() == stored.keys()
    assert found["refused"] == []
    for key, each in made.items():
        # Exactly what the run itself sent as its summary.
        assert each["own"] == pytest.approx(stored[key], rel=1e-12), key
        if each["source"] == "summary":
            assert "clat_p" in key[2]
        if each["limit"] is not None:
            assert each["source"] == "seconds"
            assert abs(each["value"] / stored[key] - 1) <= each["limit"], key
    # fio was held to a rate, so that a second more or less makes no difference.
    read = made["mix-bs4k-qd1-nj1-a1", "read", "iops"]
    assert read["value"] == pytest.approx(300, rel=0.02)


def test_a_new_run_is_judged_by_the_one_out_of_graphite(graphite, job, measured, extracted):
    other, found = extracted
    assert found["run"] == measured.json["run"]["id"]
    assert found["enters_baseline"] is True
    ended = graphite.program("--results", other, "run", "--no-graphite", job, "--json")
    assert ended.exit_code in (0, 3), ended
    compared = [check for check in ended.json["verdict"]["checks"] if check["kind"] == "baseline"]
    assert {tuple(check["baseline_runs"]) for check in compared} == {(found["run"],)}
    assert {check["metric"] for check in compared} >= {"iops"}
    place = ("baseline", "show", JOB["name"], "--lab", JOB["lab"], "--json")
    entries = graphite.program("--results", other, *place).json["entries"]
    why = [entry["why"] for entry in entries if entry["run"] == found["run"]]
    assert all("extracted from Graphite" in each for each in why)
    assert len(why) == 2


def test_a_run_that_is_there_already_is_not_extracted_again(graphite, job, measured, extracted):
    other, found = extracted
    times = ("--from", "1h", "--until", found["started_s"])
    again = graphite.program(
        "--results", other, "baseline", "extract", "--job", job, *times, "--json"
    )
    assert again.exit_code == 0, again
    assert [(each["state"], each["run"]) for each in again.json["runs"]] == [
        ("known", found["run"])
    ]


def test_a_run_that_graphite_has_not_is_said_in_one_line(graphite, job):
    ended = graphite.program("baseline", "extract", "--job", job, "--run", "20200101-000000-ab12")
    assert ended.exit_code == 2, ended
    assert "has no points of run 20200101-000000-ab12" in ended.stderr
    assert ended.stderr.count("\n") == 1
