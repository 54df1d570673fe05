"""`calibrate`: how much this lab's runs scatter, and what that means for its alarms."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import JsonFlag, VariablesOption, settings, variables

if TYPE_CHECKING:
    from storperf.engine.cancel import Cancel
    from storperf.engine.events import Listener
    from storperf.model.job import Job


def calibrate(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")],
    runs: Annotated[
        int, typer.Option("--runs", help="How often the job is run; from 2 to 100.")
    ] = 10,
    given: VariablesOption = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Let clean runs enter the job's baseline, too.")
    ] = False,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Begin anew where an interrupted calibration is gone on with."),
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Measure nothing: show the job's newest calibration.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Run a job again and again, and say how much its lab scatters and how often that alarms.

    Later runs of the lab are judged with the spread that was found, until their own baselines
    know better.  Interrupted, it keeps what was measured, and the same command goes on.
    """
    from storperf import calibration, service
    from storperf.calibration import Calibrated
    from storperf.cli.output import print_json, stderr_console, stdout_console
    from storperf.cli.output import tolerating_closed_stdout as tolerating
    from storperf.cli.signals import cancelled_by_signals
    from storperf.errors import ExitCode
    from storperf.reports.calibration_table import calibration_document, calibration_table

    chosen = settings(context)
    job = service.load_job(job_file, chosen, variables=variables(given))
    if show:
        found = calibration.shown(chosen, job)
        made = Calibrated(calibration=found, exit_code=ExitCode.PASS, why=None)
    else:
        with cancelled_by_signals() as cancel:
            made = calibration.calibrate(
                chosen,
                job,
                runs=runs,
                accept=accept,
                anew=anew,
                following=lambda number: _following(job, number, runs, cancel),
                cancel=cancel,
            )
    if made.why is not None:
        stderr_console().print(f"{made.why}: what was measured is kept", markup=False)
    with tolerating():
        if as_json:
            print_json(calibration_document(made.calibration, made.exit_code))
        else:
            stdout_console().print(calibration_table(made.calibration))
    raise typer.Exit(made.exit_code)


@contextmanager
def _following(job: Job, number: int, runs: int, cancel: Cancel) -> Iterator[Sequence[Listener]]:
    from storperf.cli.fault import faults
    from storperf.cli.output import stderr_console
    from storperf.cli.progress import shown_progress
    from storperf.plan import plan_job

    console = stderr_console()
    console.print(f"calibration, run {number} of {runs}", markup=False)
    with shown_progress(console, job, len(plan_job(job).trials)) as shown:
        yield [shown, *faults(os.environ, cancel)]
