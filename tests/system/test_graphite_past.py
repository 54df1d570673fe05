"""Stored runs go back into an empty Graphite as fine as it can hold them, and come out of it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from system.graphite_server import GraphiteServer
from tools.stepped_clock import SteppedClock, compiler

DAY_S = 86400
NAME = "nightly"
RW = [{"name": "mix", "rw": "randrw", "rate_iops": 200}]


@pytest.fixture(scope="module")
def graphite(make_program, tmp_path_factory):
    server = GraphiteServer(make_program(tmp_path_factory.mktemp("graphite")))
    server("up")
    yield server
    server("down")


@pytest.fixture(scope="module")
def runs(graphite, tmp_path_factory):
    """Real runs of now, of two days ago and of twenty, none of which told any Graphite."""
    if compiler() is None:
        pytest.skip("needs a C compiler for a clock of its own")
    program = graphite.program
    clock = SteppedClock(tmp_path_factory.mktemp("clock") / "clock")
    found = {}
    # Two days ago it must have been long enough for points of ten seconds: five at the least,
    # wherever in a minute it began.
    for days, duration in ((0, "3s"), (2, "60s"), (20, "1s")):
        clock.step(-days * DAY_S)
        job = program.job(name=NAME, workloads=RW, duration=duration, limits=None)
        ended = program("run", job, "--no-graphite", "--json", **clock.environment)
        assert ended.exit_code == 3, ended
        found[days] = (job, ended.json)
    return found


@pytest.fixture(scope="module")
def filled(graphite, runs):
    ids = [found["run"]["id"] for _, found in runs.values()]
    ended = graphite.program("graphite", "backfill", *ids, "--json")
    assert ended.exit_code == 0, ended
    # The cache of carbon writes what it holds before it ends: from here on all is in files.
    graphite("down")
    graphite("up")
    return dict(zip(runs, ended.json["runs"], strict=True))


def figures_of(result):
    return {
        (figure["op"], figure["metric"]): figure["value"]
        for figure in result["steps"][0]["trials"][0]["figures"]
        if figure["agent"] == "all"
    }


def test_a_backfill_says_what_a_graphite_can_still_hold(filled):
    assert [(each["live_s"], each["summary_s"]) for each in filled.values()] == [
        (1, 60),
        (10, 60),
        (None, 60),
    ]
    assert all(each["kept"] == each["sent"] > 0 for each in filled.values())
    assert filled[0]["remarks"] == []
    assert "its seconds are kept here as points of 10 s" in filled[2]["remarks"]
    assert filled[20]["remarks"] == ["its seconds are older than this Graphite keeps any"]


def test_the_summary_of_every_run_is_there_again(graphite, runs, filled):
    for _, found in runs.values():
        at_s = found["run"]["created_s"]
        place = f"storperf.summary.local.{NAME}.candidate.*.read"
        points = graphite.points([f"{place}.iops", f"{place}.clat_p99"], at_s - 60, at_s)
        values = {path.rsplit(".", 1)[1]: tuple(each.values()) for path, each in points.items()}
        wanted = figures_of(found)
        assert values["iops"] == (pytest.approx(wanted["read", "iops"]),)
        assert values["clat_p99"] == (wanted["read", "clat_p99"],)


def test_two_runs_of_one_minute_have_a_summary_point_each(graphite, tmp_path):
    program = graphite.program
    clock = SteppedClock(tmp_path / "clock")
    clock.step(-DAY_S)
    job = program.job(name="twice", workloads=RW, duration="1s", limits=None)
    runs = [program("run", job, "--no-graphite", "--json", **clock.environment) for _ in "12"]
    ids = [ended.json["run"]["id"] for ended in runs]
    # The later one first: its place does not depend on who is sent when.
    sent = program("graphite", "backfill", *reversed(ids), "--json")
    assert sent.exit_code == 0, sent
    starts = [int(ended.json["run"]["created_s"]) for ended in runs]
    path = "storperf.summary.local.twice.run.started_s"
    points = graphite.points([path], starts[0] - 60, starts[1] + 120)[path]
    assert [points[minute] for minute in sorted(points)] == starts


def test_ten_seconds_are_one_point_of_all_their_ios(graphite, runs, filled):
    _, found = runs[2]
    run = found["run"]
    path = f"storperf.live.local.{NAME}.candidate.agent-01.target-0.read.iops"
    ((_, points),) = graphite.points([path], run["created_s"], run["ended_s"]).items()
    assert all(second % 10 == 0 for second in points)
    assert 5 <= len(points) <= 8
    assert sorted(points.values())[3] == pytest.approx(200, rel=0.02)


def test_export_gives_every_point_with_what_it_stands_for(graphite, runs, filled):
    run_id = runs[0][1]["run"]["id"]
    ended = graphite.program("graphite", "export", run_id)
    lines = ended.stdout.splitlines()
    assert lines[0] == "series,time_s,value,resolution_s"
    assert len(lines) - 1 == filled[0]["sent"]
    document = graphite.program("graphite", "export", run_id, "--format", "json").json
    assert sum(len(each["points"]) for each in document["series"]) == filled[0]["sent"]
    some = graphite.program("graphite", "export", "--job", NAME, "--from", "3d", "--until", "1d")
    thinned = [line for line in some.stdout.splitlines() if "target-0.read.iops" in line]
    assert thinned
    assert all(line.endswith(",10") for line in thinned)


@contextmanager
def without_summaries(graphite):
    """The job's summaries are away while inside; those of others may still be written."""
    whisper = graphite.program.top / "home/.local/share/storperf/graphite/whisper"
    tree = whisper / f"storperf/summary/local/{NAME}"
    away = tree.rename(whisper / "away")
    try:
        yield
    finally:
        away.rename(tree)


def extract(graphite, run, name, *more):
    job, found = run
    other = graphite.program.top / name
    arguments = ("baseline", "extract", "--job", job, "--run", found["run"]["id"], *more)
    return graphite.program("--results", other, *arguments)


def test_thinned_seconds_give_rates_and_refuse_percentiles(graphite, runs, filled):
    _, found = runs[2]
    with without_summaries(graphite):
        ended = extract(graphite, runs[2], "thinned", "--json")
    assert ended.exit_code == 0, ended
    (made,) = ended.json["runs"]
    assert {(each["metric"], each["source"]) for each in made["figures"]} == {
        ("iops", "thinned"),
        ("bandwidth", "thinned"),
    }
    wanted = figures_of(found)
    for each in made["figures"]:
        assert each["value"] == pytest.approx(wanted[each["op"], each["metric"]], rel=0.02)
    assert len(made["refused"]) == 2
    for sentence in made["refused"]:
        assert "clat_p99" in sentence
        assert "thinned to points of 10 s" in sentence


def test_a_summary_is_enough_when_the_seconds_are_gone(graphite, runs, filled):
    _, found = runs[20]
    ended = extract(graphite, runs[20], "summary", "--json")
    assert ended.exit_code == 0, ended
    (made,) = ended.json["runs"]
    values = {(each["op"], each["metric"]): each["value"] for each in made["figures"]}
    assert values == pytest.approx(figures_of(found), rel=1e-12)
    assert {each["source"] for each in made["figures"]} == {"summary"}


def test_a_run_of_which_nothing_is_left_cannot_be_extracted(graphite, runs, filled):
    with without_summaries(graphite):
        ended = extract(graphite, runs[20], "none")
    assert ended.exit_code == 2, ended
    assert "they are thinned away, or were never sent there" in ended.stderr
