"""Our dashboards for graphite-web: for one lab and job, or for all of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from storperf.graphite.board_targets import render_target
from storperf.graphite.dashboards import Board, Panel, Unit
from storperf.sinks.paths import render_part

# ns in, ms out: graphite-web has no units for time.
_NS_TO_MS = 1e-6
_AXES = {Unit.NS: "ms", Unit.BYTES_PER_S: "bytes/s"}
_IN_TWOS = (Unit.BYTES, Unit.BYTES_PER_S)
_WIDTH, _HEIGHT = 620, 330
_LOOK = {
    "bgcolor": "white",
    "fgcolor": "black",
    "majorGridLineColor": "#cccccc",
    "minorGridLineColor": "#eeeeee",
    "fontSize": "10",
    "yMin": "0",
    "tz": "UTC",
}


def web_dashboard(board: Board, *, lab: str | None, job: str | None) -> dict[str, Any]:
    """A dashboard's state as graphite-web keeps it; None is every lab, or every job."""
    graphs = [_graph(panel, lab, job) for panel in board.panels]
    times = {"from": f"-{board.span_s}seconds", "until": "now"}
    size = {"width": _WIDTH, "height": _HEIGHT}
    return {
        "name": dashboard_name(board, lab=lab, job=job),
        "timeConfig": {
            "type": "relative",
            "relativeStartQuantity": str(board.span_s // 60),
            "relativeStartUnits": "minutes",
            "relativeUntilQuantity": "",
            "relativeUntilUnits": "now",
            "startDate": "1970-01-01T00:00:00",
            "startTime": "9:00 AM",
            "endDate": "1970-01-01T00:00:00",
            "endTime": "5:00 PM",
        },
        "refreshConfig": {"enabled": True, "interval": board.refresh_s * 1000},
        "graphSize": size,
        "defaultGraphParams": {**times, **{key: str(value) for key, value in size.items()}},
        "graphs": [
            [urlencode([("target", target) for target in graph["target"]]), graph, _address(graph)]
            for graph in graphs
        ],
    }


def dashboard_name(board: Board, *, lab: str | None, job: str | None) -> str:
    """What it is called there."""
    names = [render_part(name) for name in (lab, job) if name is not None]
    return "-".join(("storperf", board.name, *names))


def _graph(panel: Panel, lab: str | None, job: str | None) -> dict[str, Any]:
    factor = _NS_TO_MS if panel.unit is Unit.NS else 1.0
    place = {"lab": _part(lab), "job": _part(job)}
    return {
        "title": panel.title,
        "target": [render_target(line, **place, factor=factor) for line in panel.lines],
        "vtitle": _AXES.get(panel.unit, panel.unit.value),
        "yUnitSystem": "binary" if panel.unit in _IN_TWOS else "si",
        # A second that is missing is a gap; a night has one point alone.
        **({"lineMode": "connected", "lineWidth": "2"} if panel.is_sparse else {}),
        **_LOOK,
    }


def _address(graph: dict[str, Any]) -> str:
    return f"/render?{urlencode(graph, doseq=True)}"


def _part(name: str | None) -> str:
    return "*" if name is None else render_part(name)
