"""`workload list|show|check|render|add|edit|remove`: what can be measured, and a user's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, VariablesOption, settings, variables

app = typer.Typer(
    help="What can be measured: workloads, suites, and your own.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A workload or a suite.")]
WhatArgument = Annotated[
    str, typer.Argument(metavar="WHAT", help="A job file, or the name of a workload or a suite.")
]


@app.command("list")
def list_entries(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List every workload and suite that a job file can name."""
    from storperf import library
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.library_table import library_table

    found = library.entries(settings(context))
    if as_json:
        print_json({"schema": "storperf-workloads/1", "workloads": found})
    else:
        stdout_console().print(library_table(found))


@app.command("show")
def show(context: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Print a workload or a suite as it would stand in a job file."""
    from storperf import library
    from storperf.cli.output import print_json

    text = library.text_of(settings(context), name)
    if as_json:
        print_json({"schema": "storperf-workload/1", "name": name, "text": text})
    else:
        sys.stdout.write(text)


@app.command("check")
def check(
    context: typer.Context,
    what: WhatArgument,
    given: VariablesOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a job file, or a name, against every rule, and list its steps.  Nothing is run."""
    from storperf import library
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.library_table import steps_document, steps_table

    looked = library.look(settings(context), what, variables(given))
    if as_json:
        print_json(steps_document(looked.job, looked.plan, looked.shortest_s))
    else:
        stdout_console().print(steps_table(looked.job, looked.plan, looked.shortest_s))


@app.command("render")
def render(
    context: typer.Context,
    what: WhatArgument,
    given: VariablesOption = None,
    target: Annotated[
        Path | None,
        typer.Option("--target", help="File or device that fio is told; default: the job's own."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the fio command of each step.  Nothing is run."""
    from storperf import library
    from storperf.cli.output import print_json

    rendered = library.render_steps(library.look(settings(context), what, variables(given)), target)
    if as_json:
        steps = [{"key": key, "command": command} for key, command in rendered]
        print_json({"schema": "storperf-commands/1", "steps": steps})
        return
    for key, command in rendered:
        sys.stdout.write(f"# {key}\n{command}\n")


@app.command("add")
def add(
    context: typer.Context,
    name: NameArgument,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A YAML file of fio options or of job keys; - reads stdin."
        ),
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite one of your own of that name.")
    ] = False,
) -> None:
    """Keep a workload (fio options) or a suite (job keys with `workloads`) under a name."""
    from storperf import library
    from storperf.errors import UsageError

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    library.keep(settings(context), name, text, replace_it=replace)
    sys.stderr.write(f"kept {name}\n")


@app.command("edit")
def edit(context: typer.Context, name: NameArgument) -> None:
    """Change one of your own in $VISUAL or $EDITOR; it is checked before it is kept."""
    from storperf import library

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    changed = library.edit(settings(context), name, editor)
    sys.stderr.write(f"kept {name}\n" if changed else "nothing was changed\n")


@app.command("remove")
def remove(context: typer.Context, name: NameArgument) -> None:
    """Remove one of your own."""
    from storperf import library

    library.remove(settings(context), name)
    sys.stderr.write(f"removed {name}\n")
