"""`prune`, `schema`, `version`."""

from __future__ import annotations

import platform
from enum import StrEnum
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, settings


class SchemaName(StrEnum):
    """The documents that have a JSON schema."""

    JOB = "job"
    RESULT = "result"
    VERDICT = "verdict"


def prune(
    context: typer.Context,
    older_than: Annotated[
        str | None, typer.Option(help="Runs that ended longer ago than this: 90d.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(help="Oldest first, until all runs fit into this: 50G.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Remove raw output, intervals and journals of old runs; summaries and verdicts stay."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.errors import UsageError
    from storperf.units import parse_duration_s, parse_size, render_size

    try:
        older_than_s = None if older_than is None else parse_duration_s(older_than)
        max_bytes = None if max_size is None else parse_size(max_size)
    except ValueError as error:
        raise UsageError(str(error)) from error
    done = service.prune(
        settings(context), older_than_s=older_than_s, max_bytes=max_bytes, dry_run=dry_run
    )
    if as_json:
        print_json({"schema": "storperf-prune/1", "report": done})
        return
    verb = "would be removed" if dry_run else "removed"
    for pruned in done.runs:
        stdout_console().print(f"{pruned.run}: {pruned.size_bytes} bytes {verb}", markup=False)
    kept = render_size(done.kept_bytes)
    stdout_console().print(f"{len(done.runs)} runs pruned, {kept} bytes of files stay")


def schema(
    name: Annotated[SchemaName, typer.Argument(help="Which document.")] = SchemaName.JOB,
    as_json: JsonFlag = False,
) -> None:
    """Print a JSON schema: of the job file, of the result, or of a verdict."""
    from storperf.cli.output import print_json

    del as_json  # a schema is JSON either way
    if name is SchemaName.JOB:
        from storperf.jobfile.schema import job_schema

        print_json(job_schema())
    elif name is SchemaName.VERDICT:
        from storperf.reports.verdict_schema import verdict_schema

        print_json(verdict_schema())
    else:
        from storperf.reports.result_json import result_schema

        print_json(result_schema())


def version(as_json: JsonFlag = False) -> None:
    """Print the version of storperf and of the formats it writes."""
    from storperf import version as versions
    from storperf.cli.output import print_json, stdout_console

    found = {
        "storperf": versions.package_version(),
        "python": platform.python_version(),
        "result_schema": versions.RESULT_SCHEMA,
        "intervals_format": versions.STORE_INTERVALS_FORMAT,
        "fingerprint": versions.FINGERPRINT_VERSION,
    }
    if as_json:
        print_json({"schema": "storperf-version/1", **found})
    else:
        stdout_console().print(f"storperf {found['storperf']}", markup=False)
