"""`schedule`: jobs that the clock puts into the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from storperf.cli.options import JsonFlag, VariablesOption, settings, user, variables
from storperf.cli.running import ConfirmOption
from storperf.errors import UsageError

app = typer.Typer(help="Jobs that the clock puts into the queue.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    name: NameArgument,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")],
    at: Annotated[
        str | None,
        typer.Option(metavar="HH:MM", help="Every day at this time.", show_default=False),
    ] = None,
    every: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="From now on, every 6h.", show_default=False),
    ] = None,
    zone: Annotated[
        str, typer.Option(help="The time zone of all times of day, as Europe/Vienna.")
    ] = "UTC",
    window: Annotated[
        str | None,
        typer.Option(
            metavar="HH:MM-HH:MM",
            help="Begin no run outside of it: 22:00-06:00.",
            show_default=False,
        ),
    ] = None,
    jitter: Annotated[
        str, typer.Option(metavar="DURATION", help="Up to so much later, by chance.")
    ] = "0s",
    given: VariablesOption = None,
    confirm: ConfirmOption = None,
    priority: Annotated[int, typer.Option(min=-100, max=100, help="Of its runs.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Run a job every night, or every few hours; `storperf serve` sees to it."""
    import random

    from storperf import service
    from storperf.queueing import scheduling, times

    chosen = settings(context)
    rule = times.parse_rule(
        {
            "at": at,
            "every_s": None if every is None else _seconds("--every", every),
            "zone": zone,
            "window": None if window is None else window.split("-"),
            "jitter_s": _seconds("--jitter", jitter),
        }
    )
    job = service.load_job(job_file, chosen, variables=variables(given))
    with service.open_store(chosen) as store:
        scheduling.add_schedule(
            chosen,
            store,
            name,
            job,
            rule,
            priority=priority,
            made_by=user(),
            chance=random.random,
            facts={"confirm": None if confirm is None else confirm.value},
        )
    _print(context, name, as_json=as_json)


@app.command("list")
def list_schedules(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List schedules, when each is due next, and what became of it last."""
    _print(context, None, as_json=as_json)


@app.command("enable")
def enable(context: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Let a schedule run its job again, from the next time on."""
    _switch(context, name, as_json=as_json, is_enabled=True)


@app.command("disable")
def disable(context: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Let a schedule rest; what waits or runs already stays."""
    _switch(context, name, as_json=as_json, is_enabled=False)


@app.command("remove")
def remove(context: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Forget a schedule; its runs stay."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console

    with service.open_store(settings(context)) as store:
        store.delete_schedule(name)
    if as_json:
        print_json({"schema": "storperf-schedules/1", "removed": name})
    else:
        stdout_console().print(f"schedule {name}: removed", markup=False)


def _switch(context: typer.Context, name: str, *, as_json: bool, is_enabled: bool) -> None:
    import random

    from storperf import service
    from storperf.queueing import scheduling

    with service.open_store(settings(context)) as store:
        scheduling.enable(store, name, random.random, is_enabled=is_enabled)
    _print(context, name, as_json=as_json)


def _print(context: typer.Context, name: str | None, *, as_json: bool) -> None:
    """All schedules, or the one of that name."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.queue_table import schedule_table

    with service.open_store(settings(context)) as store:
        found = store.schedules() if name is None else (store.schedule(name),)
    if as_json:
        print_json({"schema": "storperf-schedules/1", "schedules": found})
    else:
        stdout_console().print(schedule_table(found))


def _seconds(option: str, text: str) -> float:
    from storperf.units import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error
