"""`report`, `history`: pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings

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
