"""`heat` and `cleanup`: what is made in a cloud, and what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import JsonFlag, settings
from storperf.cli.running import GraphiteOption, TitleOption, follow

if TYPE_CHECKING:
    from storperf.engine.cancel import Cancel
    from storperf.engine.events import Listener
    from storperf.model.leftover import Leftover
    from storperf.model.result import RunResult

app = typer.Typer(help="Agents that are made in an OpenStack cloud.")


@app.callback()
def heat() -> None:
    """Agents that are made in an OpenStack cloud."""


@app.command("template")
def template(
    context: typer.Context,
    job: Annotated[Path, typer.Argument(metavar="JOB", help="The job file.")],
    validate: Annotated[
        bool, typer.Option("--validate", help="Let the cloud's own Heat look at it.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the template that Heat would be sent for a job, with its parameters (YAML).

    Private keys are shown as `***`; nothing is made, and without --validate nobody is asked.
    """
    import yaml

    from storperf import clouds
    from storperf.cli.output import print_json, tolerating_closed_stdout

    act = clouds.validate if validate else clouds.template
    shown = act(settings(context), job)
    with tolerating_closed_stdout():
        if as_json:
            print_json({"schema": "storperf-heat-template/1", **shown})
        else:
            typer.echo(yaml.safe_dump(shown, sort_keys=False, width=100), nl=False)


@app.command("attach")
def attach(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    stack: Annotated[str, typer.Argument(metavar="STACK", help="A stack that a run has kept.")],
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")],
    title: TitleOption = None,
    graphite: GraphiteOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Run a job on a stack that an earlier run of this manager kept; the stack stays."""
    from storperf import clouds, service
    from storperf.plan import plan_job

    chosen = settings(context)
    job = clouds.load_job_for(chosen, job_file, stack)

    def carry_out(listeners: list[Listener], cancel: Cancel) -> RunResult:
        return service.run(
            chosen,
            job,
            title=title,
            graphite=graphite is not False,
            listeners=listeners,
            cancel=cancel,
        )

    follow(chosen, job, len(plan_job(job).trials), carry_out, as_json=as_json)


def cleanup(
    context: typer.Context,
    cloud: Annotated[
        str | None, typer.Option("--cloud", help="A cloud of clouds.yaml. Default: OS_CLOUD, OS_*.")
    ] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="Delete stacks of ours that were to be kept, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete what runs of this manager left in a cloud, and what of others has expired.

    Stacks, and servers, volumes, ports, networks, key pairs and the like whose stack is gone,
    found by their marks. What others own is listed with its owner. Exit 4: something stays that
    should have gone.
    """
    from storperf import clouds
    from storperf.cli.output import print_json, stdout_console, tolerating_closed_stdout

    done = clouds.cleanup(settings(context), cloud, dry_run=dry_run, kept=kept)
    with tolerating_closed_stdout():
        if as_json:
            print_json(
                {
                    "schema": "storperf-cleanup/1",
                    "exit_code": int(done.exit_code),
                    "found": done.found,
                    "ended": done.ended,
                    "faults": done.faults,
                }
            )
        else:
            for run in done.ended:
                stdout_console().print(f"run {run} had no manager: it was ended, and its stack too")
            for each in done.found:
                stdout_console().print(_line(each, dry_run=dry_run), markup=False)
            for fault in done.faults:
                stdout_console().print(fault, markup=False)
            if not done.found and not done.ended:
                stdout_console().print("nothing is left")
    raise typer.Exit(done.exit_code)


def _line(found: Leftover, *, dry_run: bool) -> str:
    from storperf.reports.clean import line

    if found.is_deleted:
        what = "deleted"
    elif found.fault is not None:
        what = f"NOT DELETED: {found.fault}"
    elif found.whose.may_go:
        what = "would be deleted" if dry_run else "not deleted"
    else:
        what = {"in_use": "in use", "kept": "kept", "others": "not ours"}[found.whose.value]
    owner = f", of {found.owner}" if found.owner else ""
    until = f", expires {found.expires}" if found.expires else ""
    return line(f"{found.kind} {found.name} (run {found.run or 'unknown'}{owner}{until}): {what}")
