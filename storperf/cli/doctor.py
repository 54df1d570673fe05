"""`doctor`: whether this machine is fit to measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import JsonFlag, settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from storperf.model.finding import Examination, Finding


def doctor(
    context: typer.Context,
    job_file: Annotated[
        Path | None,
        typer.Argument(metavar="[JOB]", help="The job file that the machine is to be fit for."),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--target", help="Examine this directory or device, not the job's targets."),
    ] = None,
    openstack: Annotated[
        bool,
        typer.Option(
            "--cloud",
            help="Look for credentials of an OpenStack cloud (OS_CLOUD, OS_*, clouds.yaml) too, "
            "and ask its Keystone for a token.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say whether this machine is fit to measure; exit 0 when it is, else 3.

    3: a problem (a run would fail, or measure something else), or a warning that spoils the
    numbers (what it names comes and goes).  Other warnings, and what is not known, leave it at 0.
    Nothing is left behind; it takes about two seconds.
    """
    from storperf import service
    from storperf.cli.output import print_json, stdout_console, tolerating_closed_stdout
    from storperf.cli.signals import cancelled_by_signals

    with cancelled_by_signals() as cancel:
        examination = service.doctor(settings(context), job_file, target, openstack=openstack)
        cancel.check()
    with tolerating_closed_stdout():
        if as_json:
            print_json(_document(examination))
        else:
            stdout_console().print(examination_table(examination))
    raise typer.Exit(examination.exit_code)


def _document(examination: Examination) -> dict[str, object]:
    return {
        "schema": "storperf-doctor/1",
        "is_fit": examination.is_fit,
        "exit_code": int(examination.exit_code),
        "job": examination.job,
        "targets": examination.targets,
        "findings": examination.findings,
        "facts": examination.facts,
    }


def examination_table(examination: Examination) -> RenderableType:
    """A line a finding; what is not ok says why it matters and what can be done."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from storperf.reports.clean import line

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    has_many = len(examination.targets) > 1
    for finding in examination.findings:
        text = Text()
        if has_many and finding.target is not None:
            text.append(f"{line(finding.target)}: ", style="bold")
        text.append(line(finding.found))
        for title, words in (("why", finding.why), ("do", finding.remedy)):
            if words and finding.remedy:
                text.append(f"\n{title:>3}: ", style="dim").append(line(words), style="dim")
        table.add_row(_level_word(finding), Text(finding.check), text)
    return Group(table, Text(), _conclusion(examination))


def _level_word(finding: Finding) -> RenderableType:
    from rich.text import Text

    styles = {"ok": "green", "not_known": "dim", "warning": "yellow", "problem": "bold red"}
    mark = " !" if finding.is_in_the_way else ""
    word = finding.level.value.replace("_", " ")
    return Text(f"{word}{mark}", style=styles[finding.level.value])


def _conclusion(examination: Examination) -> RenderableType:
    from rich.text import Text

    in_the_way = [finding for finding in examination.findings if finding.is_in_the_way]
    if examination.is_fit:
        where = f"for the job {examination.job}" if examination.job else "to measure here"
        return Text(f"FIT {where}", style="bold green")
    names = ", ".join(dict.fromkeys(finding.check for finding in in_the_way))
    return Text(f"NOT FIT: mend what is marked with ! first ({names})", style="bold red")
