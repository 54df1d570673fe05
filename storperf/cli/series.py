"""`changes` and `steady`: plain series, over runs and over time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.judging import JsonLinesFlag, print_json_lines
from storperf.cli.options import JsonFlag

if TYPE_CHECKING:
    from collections.abc import Callable

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A CSV file; `-` is standard input.")
]


def changes(
    file: FileArgument, as_json: JsonFlag = False, as_json_lines: JsonLinesFlag = False
) -> None:
    """Say where histories changed their level: columns `[series,]run,value`, oldest first."""
    from storperf.plain_numbers import changes_of
    from storperf.reports.series import changes_document, changes_line

    _print(changes_of(file), (changes_document, changes_line), (as_json, as_json_lines))


def steady(
    file: FileArgument, as_json: JsonFlag = False, as_json_lines: JsonLinesFlag = False
) -> None:
    """Say whether series over time are steady: columns `[series,]t_s,value`."""
    from storperf.plain_numbers import steadiness_of
    from storperf.reports.series import steady_document, steady_line

    _print(steadiness_of(file), (steady_document, steady_line), (as_json, as_json_lines))


def _print(
    found: Sequence[tuple[Any, Any]],
    renderers: tuple[Callable[..., dict[str, Any]], Callable[..., str]],
    flags: tuple[bool, bool],
) -> None:
    from storperf.cli.output import print_json, tolerating_closed_stdout

    as_document, as_line = renderers
    as_json, as_json_lines = flags
    with tolerating_closed_stdout():
        if as_json_lines:
            print_json_lines(as_document(*each) for each in found)
        elif as_json:
            print_json([as_document(*each) for each in found])
        else:
            sys.stdout.writelines(f"{as_line(*each)}\n" for each in found)
