"""The use cases around a Graphite refuse what they cannot do, before they ask anybody."""

from __future__ import annotations

import pytest

from storperf import graphs
from storperf.cli.options import epoch_of
from storperf.errors import GraphiteError, UsageError
from storperf.settings import read_settings

NOBODY = "http://127.0.0.1:1"
JOB = "name: night\nlab: rack 7\ntarget: {directory: x, size: 16M}\nworkloads: [rr]\n"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "job.yaml").write_text(JOB)
    (tmp_path / "rounds.yaml").write_text(JOB + "rounds: {}\n")
    return read_settings({"HOME": str(tmp_path)}, tmp_path)


def extract(settings, **asked):
    wanted = {"graphite": NOBODY, "job": "job.yaml", "lab": None, "run": None, "who": "me"}
    times = {"from_s": None, "until_s": None}
    return graphs.extract_baseline(settings, **(wanted | times | asked))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "name the run with --run, or a stretch of time with --from"),
        ({"run": "last", "from_s": 1.0}, "name the run with --run, or a stretch"),
        ({"run": "last", "until_s": 1.0}, "--until needs --from"),
        ({"run": "last"}, "no run's id"),
        ({"run": "20261399-101112-ab12"}, "no run's id"),
        ({"from_s": 10.0, "until_s": 1.0}, "--until is before --from"),
        ({"from_s": 1.0, "graphite": "carbon:2003"}, "no address of a Graphite"),
        ({"from_s": 1.0, "graphite": None}, "the embedded one is not up"),
        ({"from_s": 1.0, "job": "nobody"}, "is no file, and the store has no run"),
        ({"from_s": 1.0, "lab": "elsewhere"}, "says lab rack 7"),
        ({"from_s": 1.0, "job": "rounds.yaml"}, "has rounds: which of its trials"),
    ],
)
def test_what_cannot_be_extracted_is_refused(settings, asked, words):
    with pytest.raises(UsageError, match=words):
        extract(settings, **asked)


def test_a_graphite_that_does_not_answer_is_named(settings):
    with pytest.raises(GraphiteError, match=r"127\.0\.0\.1:1/render cannot be reached"):
        extract(settings, run="20261122-101112-ab12")


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("2026-11-22", 1795305600),
        ("2026-11-22T10:30", 1795343400),
        ("2026-11-22T10:30:05Z", 1795343405),
        ("2026-11-22T10:30+01:00", 1795339800),
        ("1795305600", 1795305600),
        ("30d", 1_800_000_000 - 30 * 86400),
        (None, None),
    ],
)
def test_a_time_is_read_in_utc(text, second):
    assert epoch_of("--from", text, 1_800_000_000.0) == second


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "-3d", "nan"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match=r"--from .* is no time"):
        epoch_of("--from", text, 1_800_000_000.0)


def test_grafana_chooses_lab_and_job_itself():
    with pytest.raises(UsageError, match="chosen in Grafana itself"):
        graphs.dashboards(graphs.Viewer.GRAFANA, lab="x")


def test_a_host_has_none_or_some_sensors(settings, tmp_path):
    with pytest.raises(UsageError, match="none or some"):
        graphs.lab_plan(settings, tmp_path / "job.yaml", sensors=-1)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "name a RUN of the store, or a job"),
        ({"run": "last", "job": "night"}, "name a RUN of the store, or a job"),
        ({"job": "night"}, "--job needs --from"),
        ({"run": "last", "from_s": 1.0}, "a RUN has its own time"),
        ({"job": "night", "from_s": 2.0, "until_s": 1.0}, "--until is before --from"),
        ({"run": "last"}, "no run"),
    ],
)
def test_what_cannot_be_exported_is_refused(settings, asked, words):
    wanted = {"run": None, "job": None, "lab": "local", "from_s": None, "until_s": None}
    wanted |= asked
    run = wanted.pop("run")
    with pytest.raises(UsageError, match=words):
        list(graphs.export(settings, run, **wanted, graphite=NOBODY))


@pytest.mark.parametrize(
    ("carbon", "words"),
    [("here", "must be HOST:PORT"), ("here:x", "must be HOST:PORT"), ("here:0", "HOST:PORT")],
)
def test_a_carbon_has_a_host_and_a_port(settings, carbon, words):
    asked = {"graphite": NOBODY, "carbon": carbon, "say": print}
    with pytest.raises(UsageError, match=words):
        list(graphs.backfill(settings, ["last"], **asked))


def test_a_run_that_is_not_there_is_not_sent(settings):
    with pytest.raises(UsageError, match="no run"):
        list(graphs.backfill(settings, ["last"], graphite=NOBODY, carbon=None, say=print))
