"""What a run sends is what the real carbon-cache and graphite-web give back."""

from __future__ import annotations

import urllib.request

import pytest
from system.graphite_server import GraphiteServer

from storperf.sinks.paths import (
    HostSeries,
    LoadSeries,
    RunSeries,
    StepSeries,
    SummarySeries,
    parse_path,
)

SECONDS = 4
JOB = {
    "name": "a job, with dots. and ü",
    "lab": "lab 1",
    "workloads": [{"name": "mix", "rw": "randrw"}],
    "duration": f"{SECONDS}s",
    "limits": None,
}


@pytest.fixture(scope="module")
def graphite(make_program, tmp_path_factory):
    server = GraphiteServer(make_program(tmp_path_factory.mktemp("graphite")))
    server("up")
    yield server
    server("down")


@pytest.fixture(scope="module")
def measured(graphite):
    """A run with the embedded Graphite: its result, and every point that Graphite has of it."""
    program = graphite.program
    ended = program("run", program.job(**JOB, provider=program.lying_fio()), "--json")
    assert ended.exit_code == 3, ended
    run = ended.json["run"]
    paths = [each for each in graphite.get("/metrics/index.json") if each.startswith("storperf")]
    points = graphite.points(paths, run["created_s"] - 60, run["ended_s"] + 60)
    return ended, {parse_path(path): values for path, values in points.items()}


def test_every_series_that_was_sent_was_read_back_before_the_run_ended(measured):
    ended, series = measured
    sink = ended.json["sinks"]["graphite"]
    assert sink["is_complete"]
    assert sink["points"]["offered"] == sink["points"]["confirmed"] > 100
    found = sink["read_back"]
    assert (found["state"], found["missing"]) == ("complete", [])
    assert found["series"] == found["read"] == len(series)
    assert found["counted"] == 20
    assert sink["spool"] is None
    assert sink["events"] == {"offered": 5, "sent": 5, "last_error": None}


def test_a_run_whose_points_are_all_there_leaves_no_spool(measured, graphite):
    assert list((graphite.program.results / "spools").glob("*")) == []


def test_the_live_tree_has_a_point_a_second_of_every_metric(measured):
    _, series = measured
    load = {name: values for name, values in series.items() if isinstance(name, LoadSeries)}
    assert {name.op for name in load} == {"read", "write"}
    assert len({name.metric for name in load}) >= 10
    errors = {name: values for name, values in load.items() if name.metric == "errors"}
    assert [set(values.values()) for values in errors.values()] == [{0.0}] * 2
    for name, values in load.items():
        least = 1 if name in errors else SECONDS - 1 - (name.agent == "all")
        assert least <= len(values) <= SECONDS + 2, name
    assert {(name.agent, name.target) for name in load} == {
        ("agent-01", "target-0"),
        ("all", "all"),
    }
    assert {(name.lab, name.job, name.side) for name in load} == {
        (JOB["lab"], JOB["name"], "candidate")
    }
    hosts = [name.sensor for name in series if isinstance(name, HostSeries)]
    assert "cpu.user" in hosts


def test_each_second_tells_its_run_trial_and_step(measured):
    ended, series = measured
    seconds = {
        second
        for name, values in series.items()
        if isinstance(name, LoadSeries)
        for second in values
    }
    marks = {
        name: values
        for name, values in series.items()
        if isinstance(name, StepSeries) or (isinstance(name, RunSeries) and name.tree == "live")
    }
    (step,) = ended.json["steps"]
    assert {getattr(name, "step", getattr(name, "fact", None)) for name in marks} == {
        step["key"],
        "trial",
        "started_s",
    }
    for name, values in marks.items():
        started_s = int(ended.json["run"]["created_s"])
        expected = started_s if getattr(name, "fact", "") == "started_s" else 1
        assert values == dict.fromkeys(seconds, expected), name


def test_the_summary_tree_has_the_result_in_one_point_a_run(measured):
    ended, series = measured
    (trial,) = ended.trials
    figures = {
        (each["op"], each["metric"]): each["value"]
        for each in trial["figures"]
        if each["agent"] == "all"
    }
    summary = {
        (name.op, name.metric): tuple(values.values())
        for name, values in series.items()
        if isinstance(name, SummarySeries)
    }
    steady = {key: summary.pop(key) for key in list(summary) if key[1] == "steady"}
    assert (
        list(steady.values())
        == [({"steady": 1, "not_steady": 0}.get(trial["steadiness"], -1),)] * 2
    )
    assert summary == {key: (pytest.approx(value),) for key, value in figures.items()}
    facts = {
        name.fact: tuple(values.values())
        for name, values in series.items()
        if isinstance(name, RunSeries) and name.tree == "summary"
    }
    run = ended.json["run"]
    assert facts["exit_code"] == (3,)
    assert facts["started_s"] == (int(run["created_s"]),)
    assert (facts["trials"], facts["failed_trials"], facts["faults"]) == ((1,), (0,), (0,))
    assert facts["verdict"] == (3,)
    assert facts["enters_baseline"] == (int(ended.json["verdict"]["enters_baseline"]),)


def test_run_trial_and_verdict_are_events(measured, graphite):
    ended, _ = measured
    run = ended.json["run"]["id"]
    events = graphite.get(f"/events/get_data?tags=run-{run}")
    tags = [each["tags"][1] for each in sorted(events, key=lambda each: each["id"])]
    assert tags == ["run", "trial", "trial", "verdict", "run"]


def test_the_link_of_the_run_shows_it(measured):
    ended, _ = measured
    link = ended.json["sinks"]["graphite"]["link"]
    assert f"graphite: {link}\n" in ended.stderr
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(link, timeout=30) as page:
        assert b"Graphite Composer" in page.read()
    with opener.open(link.replace("/composer?", "/render?format=csv&"), timeout=30) as reply:
        rows = reply.read().decode().splitlines()
    values = [row for row in rows if not row.endswith(",")]
    assert len(values) >= 4 * (SECONDS - 2)
    with opener.open(link.replace("/composer?", "/render?"), timeout=30) as picture:
        assert picture.read(8) == b"\x89PNG\r\n\x1a\n"


def test_no_graphite_means_none(graphite):
    program = graphite.program
    # A job of its own: a second run of a job's minute is shown in the next one.
    job = program.job(**JOB | {"duration": "1s", "name": "told"}, provider=program.lying_fio())
    ended = program("run", job, "--json", "--no-graphite")
    assert ended.json["sinks"] == {}
    assert "graphite:" not in ended.stderr
