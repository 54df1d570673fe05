"""The workload library and a job's steps, for a terminal and as documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.job import Job, Plan
from storperf.reports.clean import line
from storperf.units import render_duration, render_size


class Entry(Protocol):
    """A line of the library."""

    @property
    def name(self) -> str:
        """What a job file calls it."""

    @property
    def kind(self) -> str:
        """workload or suite."""

    @property
    def is_shipped(self) -> bool:
        """Whether it comes with storperf."""

    @property
    def description(self) -> str:
        """What it does, on one line."""


def library_table(entries: Sequence[Entry]) -> RenderableType:
    """A line each, in the order given."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("name", "kind", "from", "what it does"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "name")
    for entry in entries:
        whose = "storperf" if entry.is_shipped else "you"
        table.add_row(
            Text(line(entry.name)), Text(entry.kind), Text(whose), Text(line(entry.description))
        )
    return table


def steps_table(job: Job, plan: Plan, shortest_s: float) -> RenderableType:
    """The steps that a job comes to, and how long they will take at least."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("step", "rw", "block size", "depth", "fio jobs", "options"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "step")
    for step in plan.steps:
        options = " ".join(f"{key}={value}" for key, value in step.workload.options if key != "rw")
        table.add_row(
            Text(step.key),
            Text(line(step.workload.rw)),
            Text(render_size(step.block_size_bytes) if step.block_size_bytes else "mixed"),
            Text(str(step.queue_depth)),
            Text(str(step.numjobs)),
            Text(line(options)),
        )
    more = "" if job.search is None and job.rounds is None else " to begin with"
    told = (
        f"{len(plan.steps)} steps, {len(plan.trials)} trials{more}, "
        f"at least {render_duration(shortest_s)} of measuring"
    )
    return Group(table, Text(told))


def steps_document(job: Job, plan: Plan, shortest_s: float) -> dict[str, object]:
    """The same as plain values."""
    return {
        "schema": "storperf-steps/1",
        "job": job.name,
        "trials": len(plan.trials),
        "shortest_s": shortest_s,
        "steps": [
            {
                "key": step.key,
                "workload": step.workload.name,
                "options": dict(step.workload.options),
                "block_size_bytes": step.block_size_bytes or None,
                "queue_depth": step.queue_depth,
                "numjobs": step.numjobs,
                "agents": step.agents,
                "fingerprint": step.fingerprint,
            }
            for step in plan.steps
        ],
        "text": job.text,
    }
