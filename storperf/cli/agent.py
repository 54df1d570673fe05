"""`agent`: what can be said of hosts before anything is measured there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storperf.cli.options import JsonFlag, settings

if TYPE_CHECKING:
    from rich.console import RenderableType

    from storperf.model.host import HostCheck

_NAMES_WIDTH = 10

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
    with; 3: one lacks a usable fio, or its target; 4: on one no agent can run.
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
    """A host's lines: what is wrong with it first, then what it has."""
    from rich.table import Table
    from rich.text import Text

    from storperf.reports.clean import line

    words = {0: ("ok", "bold green"), 3: ("LACKS", "bold yellow"), 4: ("NO", "bold red")}
    word, style = words[int(check.exit_code)]
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=_NAMES_WIDTH)
    table.add_column(overflow="fold", ratio=1)
    where = "" if check.host == check.address else f" at {line(check.address)}"
    table.add_row(Text(word, style=style), Text.assemble((line(check.host), "bold"), where))
    faults = check.lacks if check.fault is None else (check.fault,)
    for fault in faults:
        table.add_row(Text(""), Text(line(fault), style=style.removeprefix("bold ")))
    for name, text in _rows(check.facts, check) if check.fault is None else ():
        table.add_row(Text(f"  {name}"), Text(line(text)))
    return table


def _rows(facts: dict[str, Any], check: HostCheck) -> Iterator[tuple[str, str]]:
    host, folder = facts["host"], facts["folder"]
    memory = _gib(host["memory_bytes"])
    rights = "root" if facts["is_root"] else "no root: no devices, no dropping of caches"
    yield "host", f"{host['host']}, {host['distribution']}, {host['kernel']}"
    yield "has", f"{host['cpus']} CPUs ({host['cpu_model'] or 'unknown'}), {memory} of memory"
    yield "host key", check.host_key
    yield "Python", host["python"]
    yield "fio", facts["fio"].get("version", "none")
    yield "user", f"{facts['user']} ({rights})"
    yield "room", f"{_gib(folder['free_bytes'])} free at {folder['examined']}"
    yield "clock", _clock(check)
    for target in facts["targets"]:
        yield "target", _target(target)
    for device in facts["devices"]:
        serial = ", ".join(device["serials"]) or "no serial"
        model = f"{device['model']}, " if device["model"] else ""
        holds = device["holds"] or "empty: can be a target"
        yield "device", f"{device['path']}, {_gib(device['size_bytes'])}, {model}{serial}: {holds}"


def _clock(check: HostCheck) -> str:
    offset_ms = (check.clock_offset_s or 0.0) * 1000
    within_ms = (check.clock_uncertainty_s or 0.0) * 1000
    if abs(offset_ms) <= within_ms:
        return f"as ours, within {within_ms:.1f} ms"
    return f"{offset_ms:+.1f} ms from ours, known to {within_ms:.1f} ms"


def _target(target: dict[str, Any]) -> str:
    """What an inventory's target is; its fault is told before."""
    if "fault" in target:
        return f"{target['path']}: no"
    if target["kind"] == "device":
        return f"{target['path']}, {_gib(target['size_bytes'])}: can be measured"
    direct = "" if target.get("direct") else ", and without O_DIRECT"
    return (
        f"{target['path']}, {target.get('file_system', 'unknown')}, "
        f"{_gib(target['free_bytes'])} free: can be measured{direct}"
    )


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GiB"
