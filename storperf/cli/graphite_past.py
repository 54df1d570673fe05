"""`graphite export|backfill`: points out of a Graphite, and a store's runs back into one."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import (
    FromOption,
    GraphiteOption,
    JsonFlag,
    UntilOption,
    epoch_of,
    settings,
)

if TYPE_CHECKING:
    from storperf.backfill import BackfillOutcome


class SeriesFormat(StrEnum):
    """How points are written."""

    CSV = "csv"
    JSON = "json"


def export(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run of the store: its own time and series."),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option("--job", help="Without RUN: the job's name.", show_default=False),
    ] = None,
    lab: Annotated[str, typer.Option("--lab", help="Without RUN: the job's lab.")] = "local",
    since: FromOption = None,
    until: UntilOption = None,
    form: Annotated[
        SeriesFormat, typer.Option("--format", "-f", help="csv or json.")
    ] = SeriesFormat.CSV,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write there, not to stdout.")
    ] = None,
    graphite: GraphiteOption = None,
) -> None:
    """Write the points that a Graphite has of a run, or of a job in a stretch of time.

    Each with its second and with how many seconds it stands for.
    """
    from storperf import graphs
    from storperf.errors import UsageError
    from storperf.reports.series_export import write_csv, write_json

    now_s = time.time()
    series = graphs.export(
        settings(context),
        run,
        job=job,
        lab=lab,
        from_s=epoch_of("--from", since, now_s),
        until_s=epoch_of("--until", until, now_s),
        graphite=graphite,
    )
    write = write_csv if form is SeriesFormat.CSV else write_json
    try:
        target = nullcontext(sys.stdout) if output is None else output.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    with target as stream:
        count = write(series, stream)
    sys.stderr.write(f"graphite: {count} points\n")


def backfill(
    context: typer.Context,
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Runs of the store, as `show` takes them.")
    ],
    graphite: GraphiteOption = None,
    carbon: Annotated[
        str | None,
        typer.Option(
            "--carbon",
            metavar="HOST:PORT",
            help="Where Carbon takes lines. Default: the embedded one, else port 2003 of the host "
            "of --graphite.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Send stored runs to a Graphite that has lost them, or never had them, and read them back.

    Says what its retentions cannot hold any more. Exit code 4: points are missing that it could
    hold.
    """
    from storperf import graphs
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import ExitCode

    found = []
    for outcome in graphs.backfill(
        settings(context), runs, graphite=graphite, carbon=carbon, say=_say
    ):
        found.append(outcome)
        if not as_json:
            stdout_console().print(_words(outcome), markup=False, soft_wrap=True)
    if as_json:
        print_json({"schema": "storperf-graphite-backfill/1", "runs": found})
    if any(outcome.lost for outcome in found):
        raise typer.Exit(ExitCode.INFRASTRUCTURE)


def _say(text: str) -> None:
    sys.stderr.write(f"graphite: {text}\n")
    sys.stderr.flush()


def _words(outcome: BackfillOutcome) -> str:
    lines = [f"{outcome.run}: {outcome.kept} of {outcome.sent} points are there"]
    lines += [f"  {remark}" for remark in outcome.remarks]
    lines += [f"  lost: {series}" for series in outcome.lost]
    return "\n".join(lines)
