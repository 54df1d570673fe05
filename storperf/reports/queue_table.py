"""The queue for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.queued import EntryState, QueueEntry, Schedule
from storperf.reports.clean import line
from storperf.reports.step_rows import NOTHING
from storperf.reports.table import when
from storperf.units import render_duration


def queue_table(entries: Sequence[QueueEntry]) -> RenderableType:
    """A line an entry, in the order given.  Text of others is never read as markup."""
    if not entries:
        return Text("nothing waits and nothing runs")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("run", "job", "asked for (UTC)", "by", "priority", "state", "uses"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            Text(line(entry.run_id)),
            Text(line(entry.job_name)),
            Text(when(entry.submitted_s)),
            Text(line(entry.submitted_by)),
            Text(str(entry.priority)),
            Text(_state(entry)),
            Text(line(", ".join(entry.resources)) or NOTHING),
        )
    return table


def entry_lines(entry: QueueEntry, waits_for: Sequence[str]) -> Iterator[str]:
    """An entry in some lines; `waits_for` are the runs that it has to wait for."""
    yield f"run {entry.run_id}: {_state(entry)}"
    yield f"  job {line(entry.job_name)} in the lab {line(entry.lab)}"
    if entry.title is not None:
        yield f"  title: {line(entry.title)}"
    yield f"  asked for by {line(entry.submitted_by)}, {when(entry.submitted_s)} UTC"
    yield f"  priority {entry.priority}; uses {line(', '.join(entry.resources)) or 'nothing'}"
    if entry.not_before_s is not None:
        yield f"  not before {when(entry.not_before_s)} UTC"
    if waits_for:
        yield f"  waits for {', '.join(waits_for)}"
    if entry.reason is not None:
        yield f"  {line(entry.reason)}"


def _state(entry: QueueEntry) -> str:
    if entry.exit_code is None or entry.state is not EntryState.ENDED:
        return entry.state.value
    return f"{entry.state.value} with exit code {entry.exit_code}"


def schedule_table(schedules: Sequence[Schedule]) -> RenderableType:
    """A line a schedule, in the order given."""
    if not schedules:
        return Text("no schedules")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("schedule", "when", "next (UTC)", "last run", "note"):
        table.add_column(heading, overflow="fold")
    for schedule in schedules:
        due = "disabled" if schedule.next_s is None else when(schedule.next_s)
        table.add_row(
            Text(line(schedule.name)),
            Text(rule_words(schedule.rule)),
            Text(due),
            Text(line(schedule.last_run or NOTHING)),
            Text(line(str(schedule.facts.get("note") or NOTHING))),
        )
    return table


def rule_words(rule: Mapping[str, object]) -> str:
    """A schedule's rule in words: `daily at 22:30 Europe/Oslo`."""
    every_s = rule.get("every_s")
    words = (
        f"every {render_duration(float(str(every_s)))}" if every_s else f"daily at {rule.get('at')}"
    )
    window = rule.get("window")
    if isinstance(window, list | tuple):
        words += f", from {window[0]} to {window[1]}"
    return f"{words} {rule.get('zone')}"
