"""The result for a terminal: what a person sees when a run ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from storperf.model.baseline import Anchor, BaselineEntry
from storperf.model.job import CANDIDATE
from storperf.model.result import RunResult
from storperf.model.run import Run
from storperf.model.verdict import Check, Outcome, Reason
from storperf.reports.agents_apart import apart_sentences
from storperf.reports.clean import line
from storperf.reports.found import found_sentences
from storperf.reports.host_notes import host_sentences
from storperf.reports.step_rows import NOT_JUDGED, NOTHING, StepRow, step_rows

# Colour only repeats what a word says already.
_STYLES = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


def result_table(result: RunResult) -> RenderableType:
    """Verdict, steps, and the sentences of every check that did not pass.

    Readable from 80 columns on.  Text of others is never read as markup.
    """
    rows = step_rows(result)
    parts: list[RenderableType] = [_verdict_panel(result), _step_table(rows)]
    parts += [Text(note, style="dim") for note in _notes(rows)]
    parts += [Text(line(sentence)) for sentence in found_sentences(result.run)]
    parts += [Text(line(sentence), style="dim") for sentence in apart_sentences(result)]
    parts += [Text(line(sentence)) for sentence in host_sentences(result)]
    if result.verdict is not None:
        parts += sentences_of(result.verdict.checks)
    return Group(*parts)


def runs_table(runs: Sequence[Run]) -> RenderableType:
    """A line a run, in the order given."""
    if not runs:
        return Text("no runs")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("run", "job", "lab", "begun (UTC)", "state", "verdict"):
        table.add_column(heading, overflow="fold")
    for run in runs:
        named = (
            line(run.job_name) if run.title is None else f"{line(run.job_name)}\n{line(run.title)}"
        )
        state = run.state.value if run.phase is None or run.ended_s else f"in {run.phase}"
        if run.imported_from is not None:
            state = "imported"
        said = [word for word in (run.verdict, run.reason) if word]
        table.add_row(
            Text(line(run.id)),
            Text(named),
            Text(line(run.lab)),
            Text(when(run.created_s)),
            Text(state),
            Text(line(": ".join(said)) or NOTHING),
        )
    return table


def baseline_table(
    entries: Sequence[BaselineEntry], anchors: Sequence[Anchor] = ()
) -> RenderableType:
    """A line for each run's place, in the order given, then where the baseline began anew."""
    if not entries:
        return Text("no run was ever entered into this baseline")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("step", "run", "counts", "since (UTC)", "by", "why"):
        # A run's id is there to be copied.
        table.add_column(heading, overflow="fold", no_wrap=heading == "run")
    for entry in entries:
        side = "" if entry.key.side == CANDIDATE else f"\n{line(entry.key.side)}"
        table.add_row(
            Text(f"{line(entry.key.step)}{side}"),
            Text(line(entry.run)),
            Text(_counts(entry)),
            Text(when(entry.at_s)),
            Text(line(entry.who)),
            Text(line(entry.why)),
        )
    return Group(table, *anchor_lines(anchors))


def _counts(entry: BaselineEntry) -> str:
    if not entry.accepted:
        return "no"
    if entry.pinned:
        return "pinned"
    return "no, before the change of level" if entry.is_past else "yes"


def anchor_lines(anchors: Sequence[Anchor]) -> list[RenderableType]:
    """A sentence for each anchor, in the order given, under an empty line."""
    told: list[RenderableType] = [Text("")] if anchors else []
    for each in anchors:
        what = "counts all accepted runs again" if each.run is None else f"begins with {each.run}"
        told.append(
            Text(
                f"{line(each.key.step)}: the baseline {what}, since {when(each.at_s)} UTC"
                f" by {line(each.who)}: {line(each.why)}"
            )
        )
    return told


def _verdict_panel(result: RunResult) -> Panel:
    run, verdict = result.run, result.verdict
    if verdict is None:
        title, style = "NO VERDICT", "yellow"
        said = line(run.reason or f"The run is {run.state}.")
    else:
        outcome, why = verdict.outcome.value.upper(), verdict.reason.value.replace("_", " ")
        title = f"{outcome} ({verdict.strength})" if verdict.strength else f"{outcome}: {why}"
        style = _STYLES[verdict.outcome]
        said = line(verdict.rest)
    named = "" if run.title is None else f" ({line(run.title)})"
    imported = "" if run.imported_from is None else ", imported"
    where = f"{line(run.job_name)} on {line(run.lab)}, run {line(run.id)}{named}{imported}"
    body = Text(f"{said}\n", overflow="fold")
    body.append(where, style="dim")
    return Panel(body, title=Text(title, style=f"bold {style}"), title_align="left")


def _step_table(rows: tuple[StepRow, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text("step\nop"), overflow="fold", ratio=1, min_width=16)
    table.add_column(Text("IOPS\nbandwidth"), justify="right", no_wrap=True)
    table.add_column(Text("clat p50\np99"), justify="right", no_wrap=True)
    table.add_column(Text("change\nbaseline"), justify="right", no_wrap=True)
    table.add_column(Text("outcome\nreason"), no_wrap=True)
    sides = {row.side for row in rows}
    for row in rows:
        side = f" {line(row.side)}" if len(sides) > 1 else ""
        table.add_row(
            Text(f"{line(row.step)}\n  {row.op}{side}"),
            Text(f"{_figure(row, 'iops')}\n{_figure(row, 'bandwidth')}"),
            Text(f"{row.figures['clat_p50']}\n{row.figures['clat_p99']}"),
            Text(f"{row.change}\n{row.baseline}"),
            Text(row.verdict, style="dim") if row.is_yardstick else reason_words(row.reason),
        )
    return table


def _figure(row: StepRow, metric: str) -> str:
    return f"{row.figures[metric]}{'*' if metric == row.judged else ' '}"


def reason_words(reason: Reason | None) -> Text:
    """An outcome in its colour, its reason below."""
    if reason is None:
        return Text(NOT_JUDGED, style="yellow")
    text = Text(reason.outcome.value, style=_STYLES[reason.outcome])
    return text.append(f"\n{reason.value.replace('_', ' ')}", style="dim")


def when(epoch_s: float) -> str:
    """A time in UTC, to the minute."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M")


def _notes(rows: tuple[StepRow, ...]) -> list[str]:
    notes = ["* the judged figure; change and baseline are of it"]
    if any(row.trials > 1 for row in rows):
        notes.append("figures of several trials of a step are their geometric mean")
    return notes


def sentences_of(checks: Sequence[Check]) -> list[RenderableType]:
    """A line for each check that did not pass."""
    told: list[RenderableType] = []
    for check in checks:
        if check.reason.outcome is Outcome.PASS:
            continue
        remark = Text(f"{check.reason.outcome}: ", style=_STYLES[check.reason.outcome])
        remark.append(f"{line(check.step)}: {line(check.sentence)}", style="default")
        told.append(remark)
    return told
