"""`graphite config|plan`: what a Graphite needs before the first run sends to it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, VariablesOption, settings, variables


class RuleFile(StrEnum):
    """The two files of Carbon's with rules for series."""

    SCHEMAS = "schemas"
    AGGREGATION = "aggregation"


def config(
    which: Annotated[
        RuleFile | None,
        typer.Argument(metavar="[schemas|aggregation]", help="Print the rules of one file alone."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the rules that a Graphite of one's own needs for our series.

    They belong before the other rules of storage-schemas.conf and storage-aggregation.conf, where
    the first one that fits counts, and before the first run: a file keeps the rule that it was
    made by.
    """
    from storperf import graphs
    from storperf.cli.output import print_json

    rules = graphs.rules()
    if as_json:
        print_json({"schema": "storperf-graphite-config/1", "files": rules})
        return
    if which is None:
        texts = [f"# --- {name}\n\n{text}" for name, text in rules.items()]
        typer.echo("\n".join(texts), nl=False)
    else:
        typer.echo(rules[f"storage-{which}.conf"], nl=False)


def plan(
    context: typer.Context,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file.")],
    sensors: Annotated[
        int | None,
        typer.Option(
            "--sensors",
            help="How many sensors a host has. Default: as many as this machine.",
            show_default=False,
        ),
    ] = None,
    given: VariablesOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say how many whisper files a job makes, and what they take on the disk."""
    from storperf import graphs
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.lab_table import lab_document, lab_table

    found = graphs.lab_plan(
        settings(context), job_file, sensors=sensors, variables=variables(given)
    )
    if as_json:
        print_json(lab_document(found))
    else:
        stdout_console().print(lab_table(found))
