"""`heat check` and `heat image`: a cloud before a run makes agents in it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, settings

image_app = typer.Typer(help="The image that agents boot from.")

_CloudOption = Annotated[
    str | None,
    typer.Option(
        "--cloud",
        help="A cloud of clouds.yaml. By default what the job, OS_CLOUD and OS_* say.",
        show_default=False,
    ),
]


@image_app.callback()
def image() -> None:
    """The image that agents boot from."""


def check(
    context: typer.Context,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="A job file of `kind: heat`.")],
    cloud: _CloudOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say whether a job's stack can be made: login, Heat, image, flavor, network, types, quotas.

    Nothing is made. Every lack comes with its remedy. Exit 0: it can; 3: something is missing;
    2: no credentials; 4: the cloud lets nobody in.
    """
    from storperf import cloud_fitness
    from storperf.cli.doctor import examination_table
    from storperf.cli.output import print_json, stdout_console, tolerating_closed_stdout

    examination = cloud_fitness.check(settings(context), job_file, cloud)
    with tolerating_closed_stdout():
        if as_json:
            document = {
                "schema": "storperf-heat-check/1",
                "is_fit": examination.is_fit,
                "exit_code": int(examination.exit_code),
                "job": examination.job,
                "findings": examination.findings,
                "facts": examination.facts,
            }
            print_json(document)
        else:
            stdout_console().print(examination_table(examination))
    raise typer.Exit(examination.exit_code)


@image_app.command("upload")
def upload(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A qcow2 that `make image` built.")],
    name: Annotated[str, typer.Option("--name", help="What to call it.")] = "storperf-agent",
    cloud: _CloudOption = None,
    lifetime: Annotated[
        str | None,
        typer.Option("--lifetime", help="After so long (30d) every `cleanup` may delete it."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Bring an agent image into the cloud's Glance, with its checksum and properties.

    The file is held against FILE.sha256 before, and what was stored against the file afterwards.
    An image of that name with the same content is left as it is.
    """
    from storperf import cloud_fitness
    from storperf.cli.output import print_json, stdout_console, tolerating_closed_stdout
    from storperf.reports.clean import line

    def tell(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    lifetime_s = None if lifetime is None else _duration_s(lifetime)
    found = cloud_fitness.upload(settings(context), path, name, cloud, tell, lifetime_s=lifetime_s)
    with tolerating_closed_stdout():
        if as_json:
            print_json({"schema": "storperf-heat-image/1", **asdict(found)})
        else:
            was = "uploaded" if found.is_new else "was there already"
            text = f"{line(found.name)} {was}: {found.id}, sha256 {found.sha256}"
            stdout_console().print(text, soft_wrap=True)


def _duration_s(text: str) -> float:
    from storperf.errors import UsageError
    from storperf.units import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UsageError(f"--lifetime: {error}") from error
