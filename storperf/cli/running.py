"""`run`, `resume`, `cancel`: what makes and ends runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.graphite import say
from storperf.cli.options import (
    JsonFlag,
    RunArgument,
    VariablesOption,
    settings,
    variables,
)
from storperf.cli.server import server_of
from storperf.errors import UsageError

if TYPE_CHECKING:
    from storperf.engine.cancel import Cancel
    from storperf.engine.events import Listener
    from storperf.model.job import Job
    from storperf.model.result import RunResult
    from storperf.settings import Settings

# Everything that runs is imported inside the commands: `storperf --help` must be quick.


class Confirm(StrEnum):
    """What is measured afresh before the verdict, as `confirm.when` of the job file."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


ConfirmOption = Annotated[
    Confirm | None,
    typer.Option(
        "--confirm",
        help="Instead of the job's `confirm`: measure suspicious steps afresh (`auto`), measure "
        "pairs with the reference in any case (`always`), or leave a suspicion as it is (`never`).",
    ),
]
GraphiteOption = Annotated[
    bool | None,
    typer.Option(
        "--graphite/--no-graphite",
        help="Start the embedded Graphite first, if it is not up and the job names no other; or "
        "send nothing to any. Neither: send to the job's Graphite, else to the embedded one if "
        "it is up.",
        show_default=False,
    ),
]
TitleOption = Annotated[
    str | None, typer.Option("--title", help="A name for people; `show` finds the run by it.")
]


def run(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")],
    title: TitleOption = None,
    given: VariablesOption = None,
    confirm: ConfirmOption = None,
    graphite: GraphiteOption = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the stack of the provider `heat`, for `heat attach`."),
    ] = False,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="With --server: stay until the run has ended (default), or only ask for it.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure what a job file asks for, and judge it."""
    server = server_of(context)
    if server is not None:
        wanted = {
            "title": title,
            "variables": variables(given),
            "confirm": None if confirm is None else confirm.value,
            "graphite": graphite is not False,
        }
        if keep:
            raise UsageError("--keep is for a run of this machine; say keep: true in the job")
        from storperf.cli.remote_running import run_there

        run_there(server, job_file, wanted=wanted, wait=wait is not False, as_json=as_json)
        return
    if wait is not None:
        raise UsageError("--wait and --no-wait are for --server; here a run is always waited for")
    from storperf import service
    from storperf.model.ending import ConfirmWhen
    from storperf.plan import plan_job

    chosen = settings(context)
    job = service.load_job(job_file, chosen, variables=variables(given))
    if keep:
        from storperf import clouds

        job = clouds.keeping_stack(chosen, job, job_file)
    if graphite and job.graphite is None:
        service.embedded_graphite(chosen).up(say)

    def carry_out(listeners: list[Listener], cancel: Cancel) -> RunResult:
        return service.run(
            chosen,
            job,
            title=title,
            confirm=None if confirm is None else ConfirmWhen(confirm.value),
            graphite=graphite is not False,
            listeners=listeners,
            cancel=cancel,
        )

    follow(chosen, job, len(plan_job(job).trials), carry_out, as_json=as_json)


def resume(
    context: typer.Context, run_text: RunArgument = "last", as_json: JsonFlag = False
) -> None:
    """Go on with a run whose manager was killed; its agents may still be measuring."""
    from storperf import service

    chosen = settings(context)
    found = service.show(chosen, run_text)

    def carry_out(listeners: list[Listener], cancel: Cancel) -> RunResult:
        return service.resume(chosen, found.run.id, listeners=listeners, cancel=cancel)

    follow(chosen, found.job, len(found.plan.trials), carry_out, as_json=as_json)


def cancel(context: typer.Context, run_text: RunArgument, as_json: JsonFlag = False) -> None:
    """End a run, or take it back while it waits; what was measured is kept, scratch removed."""
    server = server_of(context)
    if server is not None:
        from storperf.cli.remote_running import cancel_there

        cancel_there(server, run_text, as_json=as_json)
        return
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.queueing import asking

    chosen = settings(context)
    with service.open_store(chosen) as store:
        run, state = asking.cancel_named(chosen, store, run_text)
    if as_json:
        print_json({"run": run, "state": state})
    else:
        words = "asked to end" if state == "running" else f"ended: {state}"
        stdout_console().print(f"run {run}: {words}", markup=False)


def follow(
    chosen: Settings,
    job: Job,
    trials: int,
    carry_out: Callable[[list[Listener], Cancel], RunResult],
    *,
    as_json: bool,
) -> None:
    """Run with progress on stderr, print the result on stdout, exit with its code."""
    raise typer.Exit(exit_code_of(followed(chosen, job, trials, carry_out, as_json=as_json)))


def followed(
    chosen: Settings,
    job: Job,
    trials: int,
    carry_out: Callable[[list[Listener], Cancel], RunResult],
    *,
    as_json: bool,
) -> RunResult:
    """The same, but the result is given back: something comes after it."""
    from storperf import service
    from storperf.cli.output import stderr_console, tolerating_closed_stdout
    from storperf.cli.signals import cancelled_by_signals

    with cancelled_by_signals() as cancel, _listeners(job, trials, cancel) as listeners:
        result = carry_out(listeners, cancel)
    with tolerating_closed_stdout():
        print_result(result, as_json=as_json)
    _print_link(result)
    address = service.report_address(chosen, result.run.id)
    if address is not None:
        stderr_console().print(f"report: {address}", markup=False)
    return result


def exit_code_of(result: RunResult) -> int:
    """The code that the program ends with; a run without one shows a bug of ours."""
    return 5 if result.run.exit_code is None else result.run.exit_code


def _print_link(result: RunResult) -> None:
    """Where the run is to be seen in Graphite, on stderr: it is no part of the result."""
    match result.sinks.get("graphite"):
        case {"link": str(link)}:
            sys.stderr.write(f"graphite: {link}\n")


@contextmanager
def _listeners(job: Job, trials: int, cancel: Cancel) -> Iterator[list[Listener]]:
    from storperf.cli.fault import faults
    from storperf.cli.output import stderr_console
    from storperf.cli.progress import shown_progress

    with shown_progress(stderr_console(), job, trials) as shown:
        yield [shown, *faults(os.environ, cancel)]


def print_result(result: RunResult, *, as_json: bool) -> None:
    """A run on stdout: its table, or its JSON document."""
    if as_json:
        from storperf.reports.registry import render

        sys.stdout.write(render("json", result))
        return
    from storperf.cli.output import stdout_console
    from storperf.reports.table import result_table

    stdout_console().print(result_table(result))
