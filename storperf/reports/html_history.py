"""The history of a job as one HTML file: a dot for each run, figure by figure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from storperf.model.history import HistorySeries, JobHistory
from storperf.reports.history_picture import history_pictures
from storperf.reports.html_file import REPORT_FILE
from storperf.reports.html_page import render_page
from storperf.reports.html_steps import look_of
from storperf.stats.wording import figure_name
from storperf.store.atomic import replacing


def write_history(history: JobHistory, runs: Path, path: Path, *, made_s: float) -> None:
    """Write the page, whole or not at all; `runs` is the folder that holds the runs' folders."""
    reports = {run.id: runs / run.id / REPORT_FILE for run in history.runs}
    links = {
        run: quote(os.path.relpath(report.resolve(), path.parent.resolve()))
        for run, report in reports.items()
        if report.is_file()
    }
    text = render_history(history, links, made_s=made_s)
    with replacing(path) as file:
        file.write(text.encode())


def page_name(history: JobHistory) -> str:
    """The file name of a job's page."""
    return f"history-{quote(history.job, safe='')}-{quote(history.lab, safe='')}.html"


def render_history(history: JobHistory, links: Mapping[str, str], *, made_s: float) -> str:
    """The page; `links` leads to the reports of those runs that have one."""
    return render_page(
        "history.html",
        "history.js",
        history=history,
        links=links,
        sections=[
            _section(number, each, history_pictures(each, links, history.anchors))
            for number, each in enumerate(history.series, start=1)
        ],
        has_plots=False,
        has_sides=len({each.side for each in history.series}) > 1,
        made_s=made_s,
    )


def _section(number: int, series: HistorySeries, pictures: Markup) -> dict[str, Any]:
    last = series.points[-1]
    return {
        "series": series,
        "anchor": f"figure-{number}",
        "name": figure_name(series.op, series.metric),
        "pictures": pictures,
        "last": last,
        "look": look_of(last.reason),
        "strangers": sum(not point.is_comparable for point in series.points),
    }
