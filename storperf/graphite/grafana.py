"""Our dashboards for Grafana: lab and job are chosen there, from what Graphite holds."""

from __future__ import annotations

from typing import Any

from storperf.graphite.board_targets import render_target
from storperf.graphite.dashboards import Board, Panel, Unit
from storperf.sinks.paths import LIVE, PREFIX, SUMMARY

# Grafana's own names of units (packages/grafana-data/src/valueFormats/categories.ts).
_UNITS = {
    Unit.IOPS: "iops",
    Unit.BYTES_PER_S: "binBps",
    Unit.NS: "ns",
    Unit.CORES: "none",
    Unit.SHARE: "percentunit",
    Unit.BYTES: "bytes",
    Unit.COUNT: "none",
    Unit.CODE: "none",
}
# Grafana's grid is 24 wide; two pictures side by side.
_WIDTH, _HEIGHT = 12, 8
_SOURCE = {"type": "graphite", "uid": "${datasource}"}


def grafana_dashboard(board: Board) -> dict[str, Any]:
    """A dashboard as Grafana 9 and newer import it."""
    return {
        "uid": f"storperf-{board.name}",
        "title": f"storperf: {board.title}",
        "tags": ["storperf"],
        "schemaVersion": 37,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": f"{board.refresh_s}s",
        "time": {"from": f"now-{board.span_s}s", "to": "now"},
        "templating": {"list": _variables(board)},
        "annotations": {"list": [_annotation("run"), _annotation("verdict")]},
        "panels": [_panel(panel, number) for number, panel in enumerate(board.panels)],
    }


def _variables(board: Board) -> list[dict[str, Any]]:
    # The history is there when the seconds are long gone.
    tree = SUMMARY if board.name == "history" else LIVE
    source = {"type": "datasource", "name": "datasource", "label": "Graphite", "query": "graphite"}
    return [
        source,
        _variable("lab", "Lab", f"{PREFIX}.{tree}.*"),
        _variable("job", "Job", f"{PREFIX}.{tree}.$lab.*"),
    ]


def _variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": _SOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": False,
        "includeAll": False,
    }


def _annotation(tag: str) -> dict[str, Any]:
    return {
        "name": f"{tag}s",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "blue" if tag == "run" else "orange",
        "target": {"refId": "Anno", "fromAnnotations": True, "tags": ["storperf", tag]},
    }


def _panel(panel: Panel, number: int) -> dict[str, Any]:
    row, column = divmod(number, 2)
    targets = [
        {"refId": chr(ord("A") + index), "target": render_target(line, lab="$lab", job="$job")}
        for index, line in enumerate(panel.lines)
    ]
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": {
                "unit": _UNITS[panel.unit],
                "min": 0,
                "custom": {
                    "lineWidth": 1,
                    "fillOpacity": 0,
                    "spanNulls": panel.is_sparse,
                    "showPoints": "always" if panel.is_sparse else "never",
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {
                "showLegend": True,
                "displayMode": "list",
                "placement": "bottom",
                "calcs": [],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": targets,
    }
