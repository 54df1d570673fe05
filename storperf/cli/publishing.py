"""`publish`: a run's papers where a lab keeps its results."""

from __future__ import annotations

from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings


def publish(
    context: typer.Context,
    to: Annotated[
        str, typer.Option("--to", metavar="PLACE", help="A folder, or s3://BUCKET/PREFIX.")
    ],
    run_text: RunArgument = "last",
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint",
            metavar="URL",
            help="The server of the bucket. Default: Amazon's, or $AWS_ENDPOINT_URL.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a run's report, JSON, CSV and checksums where a lab keeps its results.

    Into PLACE/LAB/JOB/RUN; a second time it changes nothing. Who you are is told to S3 as to
    aws's own programs (AWS_ACCESS_KEY_ID, ~/.aws).
    """
    from storperf import publishing
    from storperf.cli.output import print_json, stdout_console

    done = publishing.publish(settings(context), run_text, to, endpoint)
    files = done.publication.files
    if as_json:
        print_json(
            {
                "schema": "storperf-published/1",
                "run": done.publication.run,
                "where": done.where,
                "is_new": done.is_new,
                "files": [
                    {"name": each.name, "size_bytes": each.size_bytes, "sha256": each.sha256}
                    for each in files
                ],
            }
        )
        return
    words = f"{len(files)} files put there" if done.is_new else "there already"
    stdout_console().print(f"{done.where}: {words}", markup=False, soft_wrap=True)
