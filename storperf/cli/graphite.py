"""`graphite`: one of one's own for those who have none, and what any of them needs and tells."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from storperf.cli import graphite_boards, graphite_lab, graphite_past, graphite_sending
from storperf.cli.options import JsonFlag, settings

if TYPE_CHECKING:
    from storperf.model.graphite import GraphiteState

app = typer.Typer(
    name="graphite",
    help="Have a Graphite of one's own on this machine, or make use of the one that there is.",
    no_args_is_help=True,
)

app.command("config")(graphite_lab.config)
app.command("plan")(graphite_lab.plan)
app.command("dashboards")(graphite_boards.dashboards)
app.command("check")(graphite_sending.check)
app.command("flush")(graphite_sending.flush)
app.command("backfill")(graphite_past.backfill)
app.command("export")(graphite_past.export)

_NOT_UP, _NOT_WELL = 3, 4


def say(text: str) -> None:
    """Tell on stderr what takes its time."""
    sys.stderr.write(f"graphite: {text}\n")
    sys.stderr.flush()


@app.command("up")
def up(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Start it, or heal it; the first time its programs are installed, which takes a network.

    It listens on 127.0.0.1 alone, goes on until `down`, and runs that name no other Graphite
    send to it.
    """
    from storperf import service

    _print(service.embedded_graphite(settings(context)).up(say), as_json=as_json)


@app.command("status")
def state(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Say where it listens, whether it answers, and what it holds.

    Exit code 0: all is well; 3: it is not up; 4: part of it crashed or does not answer (`up` heals
    it).
    """
    from storperf import service

    found = service.embedded_graphite(settings(context)).state()
    _print(found, as_json=as_json)
    if not found.is_up:
        raise typer.Exit(_NOT_UP)
    if not found.is_well:
        raise typer.Exit(_NOT_WELL)


@app.command("down")
def down(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Stop it; every point is kept."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console

    has_stopped = service.embedded_graphite(settings(context)).down()
    if as_json:
        print_json({"schema": "storperf-graphite-down/1", "has_stopped": has_stopped})
        return
    words = "stopped; its points are kept" if has_stopped else "was not running"
    stdout_console().print(f"Graphite {words}", markup=False)


@app.command("install")
def install(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Install its programs and start nothing: for a machine that will have no network."""
    from storperf import service
    from storperf.cli.output import print_json, stdout_console

    chosen = settings(context)
    service.embedded_graphite(chosen).install(say)
    if as_json:
        print_json({"schema": "storperf-graphite-install/1", "venv": chosen.graphite_venv})
    else:
        stdout_console().print(f"Graphite is installed in {chosen.graphite_venv}", markup=False)


def _print(found: GraphiteState, *, as_json: bool) -> None:
    from storperf.cli.output import print_json, stdout_console

    if as_json:
        print_json({"schema": "storperf-graphite/1", "graphite": found})
        return
    console = stdout_console()

    def line(name: str, value: object) -> None:
        console.print(f"{name:<10} {value}", markup=False, soft_wrap=True)

    if not found.is_up:
        console.print("Graphite is not up; start it with `storperf graphite up`", markup=False)
    else:
        line(
            "Graphite", "is well" if found.is_well else "is not well; `storperf graphite up` heals"
        )
        line("web", found.web)
        line("points to", f"{found.host}:{found.ports['line']} (plaintext)")
        for program in found.programs:
            line(program.name, _words(program.pid, program.answers, program.log))
        if found.points_received is not None:
            dropped = f", {found.points_dropped} series refused" if found.points_dropped else ""
            line("received", f"{found.points_received} points in the last day{dropped}")
    _print_space(found, line)


def _words(pid: int | None, answers: bool, log: str) -> str:
    if pid is None:
        return f"crashed; see {log}"
    return f"pid {pid}" if answers else f"pid {pid}, does not answer; see {log}"


def _print_space(found: GraphiteState, line: Callable[[str, object], None]) -> None:
    size = f"{found.used_bytes / (1 << 20):.1f} MiB"
    line("holds", f"{found.series} series, {size} in {found.data}")
