"""`agent`: what can be said of hosts before anything is measured there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.options import JsonFlag, settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from storperf.model.host import HostCheck

app = typer.Typer(help="Machines that SSH reaches, on which agents are to run.")


@app.callback()
def agent() -> None:
    """Machines that SSH reaches, on which agents are to run."""


@app.command("check")
def check(
    context: typer.Context,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST]...",
            help="Addresses, or names of the inventory; without any: all of the inventory.",
        ),
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option("--inventory", help="The file with the hosts (YAML).")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say of each host whether agents can run there, and what it has to measure with.

    Reachable, host key, Python, fio, rights, free space, clock offset, devices with what is on
    them. Nothing is changed but that the agent is brought there. Exit 0: all can be measured
    with; 3: one lacks a usable fio; 4: on one no agent can run.
    """
    from storperf import hosts as use_cases
    from storperf.cli.output import print_json, stdout_console, tolerating_closed_stdout
    from storperf.errors import worst

    found = use_cases.check(settings(context), hosts or [], inventory)
    exit_code = worst([each.exit_code for each in found])
    with tolerating_closed_stdout():
        if as_json:
            print_json(
                {
                    "schema": "storperf-agent-check/1",
                    "exit_code": int(exit_code),
                    "hosts": [{**asdict(each), "exit_code": int(each.exit_code)} for each in found],
                }
            )
        else:
            for each in found:
                stdout_console().print(check_table(each))
    raise typer.Exit(exit_code)


def check_table(check: HostCheck) -> RenderableType:
    """A host's lines; a device that is no target says why."""
    from rich.table import Table
    from rich.text import Text

    from storperf.reports.clean import line

    words = {0: ("ok", "bold green"), 3: ("LACKS", "bold yellow"), 4: ("NO", "bold red")}
    word, style = words[int(check.exit_code)]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    table.add_row(Text(word, style=style), Text(line(check.host), style="bold"))
    if check.fault is not None:
        table.add_row(Text(""), Text(line(check.fault)))
        return table
    for name, text in _rows(check):
        table.add_row(Text(f"  {name}"), Text(line(text)))
    return table


def _rows(check: HostCheck) -> list[tuple[str, str]]:
    facts: dict[str, Any] = check.facts
    host, folder = facts["host"], facts["folder"]
    rights = "root" if facts["is_root"] else "no root: no devices, no dropping of caches"
    offset_ms, within_ms = (
        (value or 0.0) * 1000 for value in (check.clock_offset_s, check.clock_uncertainty_s)
    )
    rows = [
        ("host", f"{host['host']}, {host['distribution']}, {host['kernel']}, {host['cpus']} CPUs"),
        ("host key", check.host_key),
        ("Python", host["python"]),
        ("fio", facts["fio"].get("version") or check.lacks[0]),
        ("user", f"{facts['user']} ({rights})"),
        ("room", f"{_gib(folder['free_bytes'])} free at {folder['examined']}"),
        ("clock", f"{offset_ms:+.1f} ms from ours, known to {within_ms:.1f} ms"),
    ]
    for device in facts["devices"]:
        serial = ", ".join(device["serials"]) or "no serial"
        model = f"{device['model']}, " if device["model"] else ""
        holds = device["holds"] or "empty: can be a target"
        size = _gib(device["size_bytes"])
        rows.append(("device", f"{device['path']}, {size}, {model}{serial}: {holds}"))
    return rows


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GiB"
