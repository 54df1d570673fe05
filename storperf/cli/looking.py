"""`list`, `show`, `compare`, `export`: what is known of runs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, RunArgument, epoch_of, settings
from storperf.cli.server import server_of
from storperf.errors import UsageError


class ExportFormat(StrEnum):
    """The forms of `export`; a test holds them to the registry of reporters."""

    JSON = "json"
    CSV = "csv"
    YAML = "yaml"
    MARKDOWN = "markdown"
    JUNIT = "junit"


def list_runs(
    context: typer.Context,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    lab: Annotated[str | None, typer.Option(help="Only runs in this lab.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    server = server_of(context)
    if server is not None:
        from storperf.cli.remote_running import list_there

        list_there(server, job=job, lab=lab, limit=limit, as_json=as_json)
        return
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.table import runs_table

    found = service.list_runs(settings(context), job=job, lab=lab, limit=limit)
    if as_json:
        print_json({"schema": "storperf-runs/1", "runs": found})
    else:
        stdout_console().print(runs_table(found))


def show(
    context: typer.Context,
    run_text: RunArgument = "last",
    raw: Annotated[
        bool, typer.Option("--raw", help="The kept files instead: raw fio output, intervals.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a run: its verdict, its steps, why."""
    server = server_of(context)
    if server is not None:
        if raw:
            raise UsageError("--raw is for files of this machine")
        from storperf.cli.remote_running import show_there

        show_there(server, run_text, as_json=as_json)
        return
    from storperf import service
    from storperf.cli.output import print_json
    from storperf.cli.running import print_result

    if not raw:
        print_result(service.show(settings(context), run_text), as_json=as_json)
        return
    files = service.raw_files(settings(context), run_text)
    if as_json:
        print_json({"schema": "storperf-files/1", "files": files})
    else:
        sys.stdout.write("".join(f"{path}\n" for path in files))


def compare(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="RUNS", help="What it was.")],
    candidate: Annotated[str, typer.Argument(metavar="RUNS", help="What it is.")],
    as_json: JsonFlag = False,
) -> None:
    """Compare two sets of runs step by step: two clouds, two volume types, before and after.

    RUNS is a run, several with commas between them, or conditions that choose among the completed
    ones: `job=NAME,lab=NAME,title=PATTERN,from=TIME,until=TIME,last=N`, as many as are needed.
    Exit code 1 when a loss is proven (five runs on each side at least), 3 when one is suspected
    or steps differ in kind.
    """
    from storperf import comparing
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import worst
    from storperf.reports.comparison_table import comparison_table

    found = comparing.compare(settings(context), reference, candidate, epoch_of)
    if as_json:
        print_json({"schema": "storperf-comparison/2", "comparison": found})
    else:
        stdout_console().print(comparison_table(found))
    raise typer.Exit(worst([check.reason.exit_code for check in found.checks]))


def export(
    context: typer.Context,
    run_text: RunArgument = "last",
    form: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="The form of the document.")
    ] = ExportFormat.JSON,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write there instead of to stdout.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a run in another form; `--json` is short for `--format json`."""
    from storperf import service
    from storperf.reports.registry import render

    chosen = ExportFormat.JSON if as_json else form
    server = server_of(context)
    if server is not None:
        from storperf.cli.remote_running import export_there

        text = export_there(server, run_text, chosen.value)
    else:
        text = render(chosen.value, service.show(settings(context), run_text))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
