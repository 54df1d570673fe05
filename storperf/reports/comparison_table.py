"""Two sets of runs for a terminal, one beside the other."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from storperf.model.comparison import FactDifference, RunComparison, RunSet
from storperf.model.verdict import Check
from storperf.reports.clean import line
from storperf.reports.step_rows import NOTHING, shown
from storperf.reports.table import reason_words, sentences_of, when
from storperf.stats.wording import count, signed


def comparison_table(comparison: RunComparison) -> RenderableType:
    """The sets, a block of lines for each check between them, and what differs around them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text("step\nfigure"), overflow="fold", ratio=1, min_width=16)
    table.add_column(Text("candidate\nreference"), justify="right", no_wrap=True)
    table.add_column(Text("change\n95 % interval"), justify="right", no_wrap=True)
    table.add_column(Text("outcome\nreason"), no_wrap=True)
    for check in comparison.checks:
        table.add_row(*_row(check))
    return Group(
        _set("reference", comparison.reference),
        _set("candidate", comparison.candidate),
        table,
        *sentences_of(comparison.checks),
        *_environment(comparison.environment),
    )


def _set(name: str, of: RunSet) -> Text:
    jobs = ", ".join(dict.fromkeys(line(run.job_name) for run in of.runs))
    first, last = of.runs[0], of.runs[-1]
    if len(of.runs) == 1:
        return Text(f"{name} {line(first.id)}, {when(first.created_s)} UTC, {jobs}")
    span = f"{when(first.created_s)} to {when(last.created_s)} UTC"
    return Text(f"{name} {line(of.words)}: {count(len(of.runs), 'run')}, {span}, {jobs}")


def _row(check: Check) -> tuple[Text, Text, Text, Text]:
    figure = " ".join(word for word in (check.op, check.metric) if word)
    change, interval = NOTHING, ""
    if check.change is not None:
        change = signed(check.change)
    if check.change_low is not None and check.change_high is not None:
        interval = f"\n{signed(check.change_low)} to {signed(check.change_high)}"
    return (
        Text(f"{line(check.step)}\n  {line(figure)}"),
        Text(f"{shown(check.metric, check.value)}\n{shown(check.metric, check.baseline_value)}"),
        Text(f"{change}{interval}"),
        reason_words(check.reason),
    )


def _environment(found: tuple[FactDifference, ...]) -> list[RenderableType]:
    """The facts that differ, which may explain a change and are judged by nobody."""
    if not found:
        return [Text("\nNothing that is known of the hosts differs.", style="dim")]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("what differs", "reference", "candidate"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(
            Text(line(each.name)), Text(_values(each.reference)), Text(_values(each.candidate))
        )
    return [Text(""), table]


def _values(values: tuple[tuple[str, int], ...]) -> str:
    """The values, with the number of runs of each where there are several."""
    if len(values) == 1:
        return line(values[0][0]) or NOTHING
    told = [f"{line(value) or NOTHING} ({count(runs, 'run')})" for value, runs in values]
    return "\n".join(told) or NOTHING
