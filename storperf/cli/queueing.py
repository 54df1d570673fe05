"""`submit` and `queue`: runs that a server begins when what they use is free."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import JsonFlag, VariablesOption, epoch_of, settings, user, variables
from storperf.cli.running import ConfirmOption, TitleOption

if TYPE_CHECKING:
    from storperf.model.queued import QueueEntry

app = typer.Typer(help="Runs that wait until what they use is free.", no_args_is_help=True)

EntryArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the beginning of one, or its title.")
]
PriorityOption = Annotated[
    int, typer.Option("--priority", min=-100, max=100, help="The highest goes first.")
]


def submit(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job_file: Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")],
    title: TitleOption = None,
    given: VariablesOption = None,
    confirm: ConfirmOption = None,
    priority: PriorityOption = 0,
    not_before: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Not before: 2026-11-22T22:00 (UTC), or epoch seconds.",
            show_default=False,
        ),
    ] = None,
    graphite: Annotated[
        bool, typer.Option("--graphite/--no-graphite", help="Whether figures go to a Graphite.")
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Put a run of a job file into the queue; `storperf serve` begins it."""
    import time

    from storperf import service
    from storperf.model.ending import ConfirmWhen
    from storperf.queueing import asking

    chosen = settings(context)
    job = service.load_job(job_file, chosen, variables=variables(given))
    with service.open_store(chosen) as store:
        entry = asking.submit(
            chosen,
            store,
            job.text,
            submitted_by=user(),
            title=title,
            priority=priority,
            not_before_s=epoch_of("--not-before", not_before, time.time()),
            confirm=None if confirm is None else ConfirmWhen(confirm.value),
            facts={"graphite": graphite},
        )
    _print_entry(entry, "queued", as_json=as_json)


@app.command("list")
def list_entries(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help="Those that have ended, too, newest first.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JsonFlag = False,
) -> None:
    """List what runs and what waits, in the order in which it begins."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.reports.queue_table import queue_table

    chosen = settings(context)
    with service.open_store(chosen) as store:
        found = store.queue_page(limit=limit, every=every)
    if as_json:
        print_json({"schema": "storperf-queue/1", "entries": found.entries, "next": found.next})
    else:
        stdout_console().print(queue_table(found.entries))
        if found.next is not None:
            sys.stderr.write(f"there are more than these {limit}; see --limit\n")


@app.command("show")
def show(context: typer.Context, run_text: EntryArgument, as_json: JsonFlag = False) -> None:
    """Show an entry: its state, what it uses, and what it waits for."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console
    from storperf.queueing import asking
    from storperf.queueing.looking import waits_for
    from storperf.reports.queue_table import entry_lines

    with service.open_store(settings(context)) as store:
        entry = asking.resolve(store, run_text)
        waits = waits_for(store, entry)
    if as_json:
        print_json({"schema": "storperf-queue-entry/1", "entry": entry, "waits_for": waits})
    else:
        for line in entry_lines(entry, waits):
            stdout_console().print(line, markup=False)


@app.command("cancel")
def cancel(context: typer.Context, run_text: EntryArgument, as_json: JsonFlag = False) -> None:
    """Take a run back while it waits, or end it while it runs."""
    from storperf import service
    from storperf.queueing import asking

    chosen = settings(context)
    with service.open_store(chosen) as store:
        entry = asking.cancel(chosen, store, asking.resolve(store, run_text).run_id)
    words = "asked to end" if entry.state == "running" else str(entry.state)
    _print_entry(entry, words, as_json=as_json)


@app.command("move")
def move(
    context: typer.Context,
    run_text: EntryArgument,
    priority: PriorityOption,
    as_json: JsonFlag = False,
) -> None:
    """Give a run that waits another priority."""
    from storperf import service
    from storperf.queueing import asking

    with service.open_store(settings(context)) as store:
        entry = asking.move(store, asking.resolve(store, run_text).run_id, priority)
    _print_entry(entry, f"has the priority {priority}", as_json=as_json)


@app.command("carry-out", hidden=True)
def carry_out(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
) -> None:
    """Carry out an entry that the server has started; the server calls it."""
    from storperf.cli.fault import faults
    from storperf.cli.signals import cancelled_by_signals
    from storperf.queueing import carrying

    with cancelled_by_signals() as cancel:
        code = carrying.carry_out(settings(context), run_id, faults(os.environ, cancel), cancel)
    raise typer.Exit(code)


def _print_entry(entry: QueueEntry, words: str, *, as_json: bool) -> None:
    from storperf.cli.output import print_json, stdout_console

    if as_json:
        print_json({"schema": "storperf-queue-entry/1", "entry": entry})
    else:
        stdout_console().print(f"run {entry.run_id}: {words}", markup=False)
