"""`graphite dashboards`: the same four for Grafana and for graphite-web."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import GraphiteOption, JsonFlag, settings


class ViewerName(StrEnum):
    """Who draws a dashboard."""

    GRAFANA = "grafana"
    GRAPHITE_WEB = "graphite-web"


def dashboards(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    viewer: Annotated[ViewerName, typer.Option("--for", help="Who is to draw them.")],
    lab: Annotated[
        str | None,
        typer.Option(help="graphite-web: this lab alone. Default: all.", show_default=False),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(help="graphite-web: this job alone. Default: all.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write a file of each into this folder."),
    ] = None,
    load: Annotated[
        bool, typer.Option("--load", help="Keep them in graphite-web, and say where they are.")
    ] = False,
    graphite: GraphiteOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make dashboards: live run, run history, agents compared, cluster load.

    Without `--output` and `--load` they are printed, as one JSON object.
    """
    from storperf import graphs
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import UsageError

    if load and viewer is not ViewerName.GRAPHITE_WEB:
        raise UsageError("--load is for graphite-web; give Grafana the files of --output")
    if graphite is not None and not load:
        raise UsageError("--graphite says where to load them to: add --load")
    found = graphs.dashboards(graphs.Viewer(viewer.value), lab=lab, job=job)
    done: list[str] = []
    if load:
        done += graphs.load_dashboards(graphs.graphite_web(settings(context), graphite), found)
    if output is not None:
        done += _write(output, found)
    if not done:
        print_json(found)
    elif as_json:
        print_json({"schema": "storperf-graphite-dashboards/1", "dashboards": done})
    else:
        for each in done:
            stdout_console().print(each, markup=False, soft_wrap=True)


def _write(folder: Path, found: dict[str, dict[str, object]]) -> list[str]:
    from storperf.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, document in found.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
            paths.append(str(path))
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error
    return paths
