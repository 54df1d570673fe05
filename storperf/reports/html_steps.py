"""The steps of a report: a row of the table each, and a section with the figures behind it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from storperf.errors import StoreError
from storperf.model.job import Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import RunState, Summary, Trial, TrialState
from storperf.model.verdict import Check, Outcome, Reason
from storperf.reports.agents_apart import apart_sentence
from storperf.reports.host_notes import host_findings
from storperf.reports.html_hosts import host_tables
from storperf.reports.html_kept import Kept
from storperf.reports.html_picture import change_picture
from storperf.reports.html_traces import MOST_POINTS, Traces
from storperf.reports.power_picture import power_picture
from storperf.reports.spread_picture import spread_picture
from storperf.reports.step_rows import NOT_JUDGED, StepRow, winning_reason
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import ALL
from storperf.stats.wording import figure_name
from storperf.units import render_duration, render_size

# Up to so many steps are all unfolded; of more only those that decided.
MOST_UNFOLDED = 6
# A table of every agent's figures is for reading; of more the CSV has them.
MOST_AGENTS = 8

_COLUMNS = ("iops", "bandwidth", "clat_p50", "clat_p99", "clat_p99_9")


def step_cells(rows: Sequence[StepRow], result: RunResult) -> list[dict[str, Any]]:
    """A dict for each row of the table: texts to show and numbers to sort by."""
    anchors = _anchors(result)
    latest = latest_attempts(result.trials)
    widest = _widest_change(rows)
    cells = []
    for row in rows:
        trials = [
            latest[planned.id]
            for planned in result.plan.trials
            if (planned.step_key, planned.side) == (row.step, row.side) and planned.id in latest
        ]
        compared = row.compared
        cells.append(
            {
                "row": row,
                "anchor": anchors[row.step],
                "figures": [
                    {
                        "text": row.figures[name],
                        "sort": row.values[name].value if name in row.values else None,
                        "is_judged": name == row.judged,
                    }
                    for name in _COLUMNS
                ],
                "baseline": None if compared is None else compared.baseline_value,
                "picture": None if compared is None else change_picture(compared, widest),
                "look": look_of(row.reason),
                "ends": _words(trial.end for trial in trials),
                "steadiness": _words(trial.steadiness for trial in trials),
                "flags": _words(flag for trial in trials for flag in trial.flags),
            }
        )
    return cells


def step_sections(result: RunResult, rows: Sequence[StepRow], kept: Kept) -> list[dict[str, Any]]:
    """What is shown of each planned step, measured or not."""
    checks = () if result.verdict is None else result.verdict.checks
    anchors = _anchors(result)
    summaries = _by_trial(result.summaries)
    sections: list[dict[str, Any]] = []
    is_short = len(result.plan.steps) <= MOST_UNFOLDED
    for step in result.plan.steps:
        own = [check for check in checks if check.step == step.key]
        reason = winning_reason(own)
        unfolded = sum(section["is_open"] for section in sections)
        sections.append(
            {
                "anchor": anchors[step.key],
                "step": step,
                "words": _described(step),
                "look": look_of(reason),
                "outcome": NOT_JUDGED if reason is None else reason.outcome.value,
                "reason": reason,
                "is_open": is_short or (_decided(result, reason) and unfolded < MOST_UNFOLDED),
                "rows": [row for row in rows if row.step == step.key],
                "checks": [_told(check) for check in own],
                "pictures": _pictures(step, own),
                "trials": [
                    _trial_section(trial, result, kept, summaries.get(trial.id, []))
                    for trial in _trials_of(step, result)
                ],
            }
        )
    return sections


def _pictures(step: Step, checks: Sequence[Check]) -> list[dict[str, Any]]:
    """What each compared figure was held to, and what could have been seen of the judged one."""
    found: list[dict[str, Any]] = []
    for check in checks:
        spread, name = spread_picture(check), figure_name(check.op, check.metric or "iops")
        if spread:
            kind = "pairs" if check.pairs is not None else "baseline"
            found.append({"kind": kind, "name": name, "picture": spread})
        power = power_picture(check) if check.metric == step.workload.judged_metric else None
        if power:
            found.append({"kind": "power", "name": name, "picture": power})
    kinds = [each["kind"] for each in found]
    return [each | {"is_first": each["kind"] not in kinds[:n]} for n, each in enumerate(found)]


def look_of(reason: Reason | None) -> str:
    """The class that gives an outcome its colour and its shape."""
    return "none" if reason is None else reason.outcome.value


def _decided(result: RunResult, reason: Reason | None) -> bool:
    """Whether the step is one of those that kept the run from passing."""
    if result.verdict is None or result.verdict.outcome is Outcome.PASS:
        return False
    return reason is result.verdict.reason


def _trials_of(step: Step, result: RunResult) -> list[Trial]:
    """The latest attempts in the order of the plan, then any that were not planned."""
    return [each for each in latest_attempts(result.trials).values() if each.step_key == step.key]


def _trial_section(
    trial: Trial, result: RunResult, kept: Kept, summaries: Sequence[Summary]
) -> dict[str, Any]:
    traces, missing = _traces(trial, result, kept)
    agents = sorted({summary.agent for summary in summaries} - {ALL})
    shown = [ALL, *agents] if 1 < len(agents) <= MOST_AGENTS else [ALL]
    earlier = [each for each in result.trials if each.id == trial.id and each is not trial]
    return {
        "trial": trial,
        "facts": _trial_facts(trial),
        "host": [each["sentence"] for each in host_findings(trial)],
        "earlier": earlier,
        "apart": apart_sentence(trial),
        "traces": None if traces is None else traces | {"marks": _marks(summaries)},
        "ops": [] if traces is None else [op for op, heat in traces["heat"].items() if heat],
        "missing": missing,
        "cells": None if traces is None else _cells_told(traces),
        "figures": [
            summary
            for agent in shown
            for summary in sorted(summaries, key=_figure_order)
            if summary.agent == agent
        ],
        "has_agents": len(shown) > 1,
        "hosts": host_tables(trial),
        "commands": _commands(trial),
    }


def _traces(trial: Trial, result: RunResult, kept: Kept) -> tuple[Traces | None, str]:
    """What the trial's figures are drawn from; else the sentence that says why there are none."""
    try:
        found = kept.load_traces(trial)
    except StoreError as error:
        return None, f"No figures: {error.message}."
    if found is not None and found["ops"]:
        return found, ""
    return None, _why_missing(trial, result, is_kept=found is not None)


def _why_missing(trial: Trial, result: RunResult, *, is_kept: bool) -> str:
    is_running = result.run.state is RunState.RUNNING
    if trial.state is TrialState.PLANNED:
        return f"No figures: this trial {'has not begun' if is_running else 'was never begun'}."
    if trial.state is not TrialState.STORED and is_running:
        return "No figures yet: this trial is still being measured."
    if result.run.imported_from is not None and not _had_intervals(trial):
        return "No figures over time: the imported result holds totals alone."
    if not is_kept and "pruned_at_s" in result.run.facts:
        return "No figures: the intervals were pruned. The summaries below are kept for ever."
    return "No figures: no interval of this trial was kept."


def _had_intervals(trial: Trial) -> bool:
    """Whether an imported trial came with a course; its window is that of its intervals."""
    return trial.facts.get("window_s") is not None


def _trial_facts(trial: Trial) -> list[str]:
    words = [] if trial.end is None else [f"ended: {trial.end.value.replace('_', ' ')}"]
    if trial.started_s is not None and trial.ended_s is not None:
        words.append(f"took {render_duration(max(0.0, trial.ended_s - trial.started_s))}")
    if trial.steadiness is not None:
        words.append(trial.steadiness.value.replace("_", " "))
    words += [flag.value.replace("_", " ") for flag in trial.flags]
    if trial.repeat > 1:
        words.append(f"repeat {trial.repeat}")
    if trial.attempt > 1:
        words.append(f"attempt {trial.attempt}")
    return words


def _cells_told(traces: Traces) -> str:
    """How the series was cut, said wherever a point is not a single interval."""
    interval = render_duration(traces["interval_s"])
    if traces["cell_s"] == traces["interval_s"]:
        return f"Each point is one interval of {interval}, all agents and targets together."
    cell = render_duration(traces["cell_s"])
    return (
        f"The intervals of {interval} are gathered into cells of {cell} (at most {MOST_POINTS}): "
        "the line is the median of the intervals in a cell, the band reaches from the lowest to "
        "the highest; a latency percentile is that of all I/Os in the cell, and a host's figure "
        "is the average over the cell."
    )


def _marks(summaries: Sequence[Summary]) -> dict[str, dict[str, float]]:
    """The percentiles of the table, in seconds, by direction: lines in the histogram."""
    names = {"clat_p50": "p50", "clat_p99": "p99", "clat_p99_9": "p99.9"}
    marks: dict[str, dict[str, float]] = {}
    for each in summaries:
        if each.agent == ALL and each.metric in names:
            marks.setdefault(each.op, {})[names[each.metric]] = each.value / 1e9
    return marks


def _commands(trial: Trial) -> list[tuple[str, str]]:
    """fio's command lines by agent, as they can be typed."""
    found = trial.facts.get("argv")
    commands = []
    for agent, lines in sorted(found.items()) if isinstance(found, Mapping) else []:
        commands += [(str(agent), shlex.join(str(word) for word in words)) for words in lines]
    return commands[:MOST_AGENTS]


def _told(check: Check) -> dict[str, Any]:
    return {"look": look_of(check.reason), "check": check}


def _by_trial(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = {}
    for summary in summaries:
        found.setdefault(summary.trial, []).append(summary)
    return found


def _figure_order(summary: Summary) -> tuple[str, int]:
    return summary.op, list(METRICS).index(summary.metric)


def _described(step: Step) -> str:
    """The step's key in words."""
    words = [
        f"{step.workload.name} ({step.workload.rw})",
        f"blocks of {render_size(step.block_size_bytes)}"
        if step.block_size_bytes
        else "block size mixed or not known",
        f"queue depth {step.queue_depth or 'not known'}",
    ]
    if step.numjobs > 1:
        words.append(f"{step.numjobs} fio jobs")
    if step.agents > 1:
        words.append(f"{step.agents} agents")
    return ", ".join(words)


def _anchors(result: RunResult) -> dict[str, str]:
    return {step.key: f"step-{number}" for number, step in enumerate(result.plan.steps, start=1)}


def _words(values: Any) -> str:
    """Each different value once, in words; empty for none."""
    known = dict.fromkeys(value.value for value in values if value is not None)
    return ", ".join(word.replace("_", " ") for word in known)


def _widest_change(rows: Sequence[StepRow]) -> float:
    """The largest change or end of an interval, as a share: all pictures have one scale."""
    ends = [
        abs(end)
        for row in rows
        if row.compared is not None
        for end in (row.compared.change, row.compared.change_low, row.compared.change_high)
        if end is not None
    ]
    return min(1.0, max([0.05, *ends]))
