"""Options that several commands share, and what is read from the environment, once."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from storperf.errors import UsageError
from storperf.settings import Settings, read_settings
from storperf.units import parse_moment_s

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run: its id, the beginning of one, its title, or `last`."
    ),
]
LabOption = Annotated[str, typer.Option("--lab", help="The lab that the baseline is of.")]
GraphiteOption = Annotated[
    str | None,
    typer.Option(
        "--graphite",
        metavar="URL",
        help="The address of graphite-web, as https://HOST or https://USER:PASSWORD@HOST. "
        "Default: the embedded one.",
        show_default=False,
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="From when on: 2026-11-22, 2026-11-22T10:30 (UTC), epoch seconds, or 30d for 30 days "
        "ago.",
        show_default=False,
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until when. Default: now.", show_default=False),
]
VariablesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A variable of the job file, NAME=[A,B] for a list; may be given several times.",
    ),
]


def variables(given: list[str] | None) -> dict[str, str]:
    """`--set` options as a mapping; UsageError for one without `=`."""
    found = {}
    for each in given or ():
        name, sign, value = each.partition("=")
        if not sign:
            raise UsageError(f"--set {each!r} must be NAME=VALUE")
        found[name] = value
    return found


def epoch_of(option: str, text: str | None, now_s: float) -> float | None:
    """The epoch second that a TIME means; UsageError for what is none."""
    if text is None:
        return None
    try:
        return parse_moment_s(text, now_s)
    except ValueError as error:
        raise UsageError(f"{option} {error}") from error


def settings(context: typer.Context) -> Settings:
    """The settings of this process; `--results` was read by the main callback."""
    results: Path | None = context.obj
    return read_settings(os.environ, Path.cwd(), results)


def user() -> str:
    """Who asks, for provenance."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user that has no name.
        return str(os.getuid())
