"""`import`: results of other programs become runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.log_figures import (
    IntervalOption,
    KindOption,
    LatLogFlag,
    UnitOption,
    print_logs,
)
from storperf.cli.options import JsonFlag, settings

if TYPE_CHECKING:
    from storperf.imports.imported import ImportOutcome


def import_results(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Results: fio's json, json+ or terse output."),
    ],
    job: Annotated[
        str | None,
        typer.Option(
            "--job",
            help="The job whose runs they become. Default: the names of their fio jobs.",
            show_default=False,
        ),
    ] = None,
    lab: Annotated[
        str, typer.Option("--lab", help="The lab that they were measured in.")
    ] = "local",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Store nothing; only say what was understood.")
    ] = False,
    lat_log: LatLogFlag = False,
    interval: IntervalOption = None,
    unit: UnitOption = None,
    kind: KindOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make runs of existing fio results and StorPerf reports, for a baseline from the first day.

    Exit code 2 when a file is refused; the others are imported all the same.
    """
    from storperf.errors import ExitCode, UsageError

    if lat_log:
        if job is not None:
            raise UsageError("--job is for results that are stored; --lat-log stores nothing")
        print_logs(files, kind=kind, unit=unit, interval=interval, as_json=as_json)
    if (interval, unit, kind) != (None, None, None):
        raise UsageError("--interval, --unit and --kind are for logs: add --lat-log")
    if job is not None and not job.strip():
        raise UsageError("--job needs a name")
    from storperf import service
    from storperf.cli.output import print_json, stderr_console, stdout_console
    from storperf.reports.import_table import import_document, import_table

    outcomes = service.import_results(settings(context), files, job=job, lab=lab, dry_run=dry_run)
    if as_json:
        print_json(import_document(outcomes))
    else:
        stdout_console().print(import_table(outcomes, figures=dry_run))
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    for outcome in refused:
        stderr_console().print(f"storperf: {_refusal(outcome)}", markup=False)
    raise typer.Exit(ExitCode.USAGE if refused else ExitCode.PASS)


def _refusal(outcome: ImportOutcome) -> str:
    part = "" if outcome.part == 1 else f", result {outcome.part}"
    return f"{outcome.file}{part} is refused: {outcome.reason}"
