"""`report`, `history`: pages for people."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings

_NICENESS = 19

OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the page there instead.")
]


def report(
    context: typer.Context,
    run_text: RunArgument = "last",
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the report of a run again: one HTML file that needs no network."""
    from storperf import service

    chosen = settings(context)
    _check_folder(output)
    path = service.html_report(chosen, run_text, output)
    _print_path(path, "storperf-report/1", as_json=as_json)


def history(  # noqa: PLR0913, PLR0917 - each is an option
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")],
    lab: Annotated[
        str | None, typer.Option("--lab", help="Runs in this lab; needed when there are several.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many runs, the newest.")] = 100,
    html: Annotated[
        bool, typer.Option("--html", help="Make a page: a dot for each run, the baseline's band.")
    ] = False,
    output: OutputOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show all runs of a job: each judged figure, its baseline, how the runs ended."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import UsageError
    from storperf.reports.history_table import history_table

    if output is not None and not html:
        raise UsageError("--output is for the page: say --html too")
    _check_folder(output)
    chosen = settings(context)
    found = service.history(chosen, job, lab, limit=limit)
    if html:
        path = service.html_history(chosen, found, output)
        _print_path(path, "storperf-history-page/1", as_json=as_json)
    elif as_json:
        print_json({"schema": "storperf-history/1", "history": found})
    else:
        stdout_console().print(history_table(found))


def histories(context: typer.Context) -> None:
    """Make the histories of the jobs that ran last; the server calls it."""
    from storperf.web.histories_ahead import write_histories

    # What is measured or answered meanwhile goes first.
    os.nice(_NICENESS)
    write_histories(settings(context), sys.stdout.buffer)


def _check_folder(output: Path | None) -> None:
    """UsageError when the page cannot be put there."""
    from storperf.errors import UsageError

    if output is not None and output.is_dir():
        raise UsageError(f"{output} is a folder; name a file, such as {output / 'report.html'}")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {output.parent}")


def _print_path(path: Path, schema: str, *, as_json: bool) -> None:
    """Where the page stands, as a path for programs and people alike."""
    from storperf.cli.output import print_json, stdout_console

    if as_json:
        size_bytes = path.stat().st_size
        print_json({"schema": schema, "path": path.resolve(), "size_bytes": size_bytes})
    else:
        stdout_console().print(str(path.resolve()), markup=False, soft_wrap=True)
