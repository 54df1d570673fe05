"""The dashboards are made of names that a run sends, and in forms that their programs read."""

from __future__ import annotations

import re

import pytest

from storperf.graphite.board_targets import render_target
from storperf.graphite.dashboards import Kind, Line, Unit, boards
from storperf.graphite.grafana import grafana_dashboard
from storperf.graphite.web_dashboards import web_dashboard
from storperf.model.metric import METRICS

BOARDS = {board.name: board for board in boards()}


def test_there_is_a_board_for_each_question():
    assert list(BOARDS) == ["live", "history", "agents", "cluster"]
    assert all(board.panels for board in BOARDS.values())


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_grafana_gets_panels_that_do_not_overlap_and_variables_that_they_use(board):
    made = grafana_dashboard(board)
    places = [(each["gridPos"]["x"], each["gridPos"]["y"]) for each in made["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    assert [each["name"] for each in made["templating"]["list"]] == ["datasource", "lab", "job"]
    for panel in made["panels"]:
        assert panel["targets"]
        assert all(".$lab.$job." in each["target"] for each in panel["targets"])


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_graphite_web_gets_the_names_as_they_are_sent(board):
    made = web_dashboard(board, lab="a lab", job="x.y")
    assert made["name"] == f"storperf-{board.name}-a~20~lab-x~2e~y"
    for query, graph, address in made["graphs"]:
        assert all(".a~20~lab.x~2e~y." in target for target in graph["target"])
        assert query.startswith("target=")
        assert address.startswith("/render?")
    everything = web_dashboard(board, lab=None, job=None)
    assert all(".*.*." in graph["target"][0] for _, graph, _ in everything["graphs"])


def test_no_percentile_is_averaged_or_added_up():
    lines = [line for board in BOARDS.values() for panel in board.panels for line in panel.lines]
    for line in lines:
        if re.search(r"\.clat_(p|max|mean)", line.pattern):
            assert line.kind in (Kind.EACH, Kind.MAX)


def test_latency_is_in_ms_where_graphite_web_draws_it():
    panels = [panel for board in BOARDS.values() for panel in board.panels]
    graphs = [
        graph
        for board in BOARDS.values()
        for _, graph, _ in web_dashboard(board, lab=None, job=None)["graphs"]
    ]
    for panel, graph in zip(panels, graphs, strict=True):
        is_scaled = all(",0.000001)" in target for target in graph["target"])
        assert is_scaled == (panel.unit is Unit.NS) == (graph["vtitle"] == "ms")


def test_a_line_names_its_nodes_from_the_end_so_that_long_names_do_no_harm():
    line = Line(pattern="a.{lab}.{job}.b", parts=(-2, -1))
    assert render_target(line, lab="l~.m", job="$job") == "aliasByNode(a.l~.m.$job.b,-2,-1)"
    assert all(
        part < 0
        for board in BOARDS.values()
        for panel in board.panels
        for line in panel.lines
        for part in line.parts
    )


def test_every_metric_that_is_shown_is_one():
    text = str(list(BOARDS.values()))
    shown = set(re.findall(r"\.((?:iops|bandwidth|[cs]?lat_\w+))\b", text))
    assert shown <= set(METRICS)
    assert {"iops", "bandwidth", "clat_mean", "clat_p99", "clat_p99_9", "clat_max"} <= shown
