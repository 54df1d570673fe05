"""The report of a run as one HTML file: what happened and why, then everything behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storperf.model.result import RunResult
from storperf.model.run import RunState
from storperf.model.verdict import WHOLE_RUN, Check, Outcome, Verdict
from storperf.reports.flat_facts import flat_facts
from storperf.reports.found import found_sentences
from storperf.reports.html_kept import Kept
from storperf.reports.html_page import page_pieces
from storperf.reports.html_steps import step_cells, step_sections
from storperf.reports.step_rows import NOT_JUDGED, StepRow, step_rows, winning_reason
from storperf.stats.wording import figure_name

MOST_CARDS = 4


def render_report(result: RunResult, kept: Kept, *, made_s: float) -> str:
    """The whole page; `report_pieces` says what is in it."""
    return "".join(report_pieces(result, kept, made_s=made_s))


def report_pieces(result: RunResult, kept: Kept, *, made_s: float) -> Iterator[str]:
    """The page, whatever state the run is in; `made_s` (epoch) is told at its end.

    Verdict, figures and changes are those of the result; nothing is judged here.
    """
    rows = step_rows(result)
    checks = () if result.verdict is None else result.verdict.checks
    return page_pieces(
        "report.html",
        "report.js",
        result=result,
        run=result.run,
        imported=_imported(result),
        job=result.job,
        verdict=result.verdict,
        heading=_heading(result),
        cards=_cards(result.verdict, rows),
        counts=_counts(result, checks),
        baseline_runs=_baseline_runs(checks, kept.run_links),
        limits=[limit.text for limit in result.job.limits],
        rows=step_cells(rows, result),
        has_sides=len({row.side for row in rows}) > 1,
        steps=step_sections(result, rows, kept),
        run_checks=[check for check in checks if check.step == WHOLE_RUN],
        faults=_faults(result),
        found=found_sentences(result.run),
        events=kept.events,
        environment=[(name, _facts(found)) for name, found in sorted(result.environment.items())],
        sinks=[(name, _facts(found)) for name, found in sorted(result.sinks.items())],
        manager=flat_facts(result.run.manager),
        files=kept.files,
        made_s=made_s,
    )


def _heading(result: RunResult) -> dict[str, str]:
    """The word, the class of its colour and shape, and the sentence that stand on top."""
    run, verdict = result.run, result.verdict
    if verdict is not None:
        return {
            "word": verdict.outcome.value.upper(),
            "look": verdict.outcome.value,
            "reason": verdict.strength or verdict.reason.value.replace("_", " "),
            "sentence": verdict.rest,
        }
    if run.state is RunState.RUNNING:
        doing = "starting" if run.phase is None else f"in phase {run.phase.value}"
        sentence = (
            f"The run is not at its end ({doing}); make the report again later: "
            f"storperf report {run.id}"
        )
        return {"word": "RUNNING", "look": "none", "reason": doing, "sentence": sentence}
    faults = [text for _, text in _faults(result)]
    sentence = " ".join(each.rstrip(".") + "." for each in faults) or (
        run.reason or f"The run is {run.state.value}; it was not judged."
    )
    return {
        "word": "NO VERDICT",
        "look": "none",
        "reason": run.state.value,
        "sentence": sentence,
    }


def _faults(result: RunResult) -> list[tuple[str, str]]:
    """Exit code and sentence of what went wrong, and what was left behind."""
    told, left = (result.run.facts.get(name) for name in ("faults", "left_behind"))
    return [
        *(
            (f"exit {fault.get('exit_code')}", str(fault.get("message")))
            for fault in (told if isinstance(told, list) else [])
            if isinstance(fault, Mapping)
        ),
        *(("left behind", str(name)) for name in (left if isinstance(left, list) else [])),
    ]


def _cards(verdict: Verdict | None, rows: Sequence[StepRow]) -> list[dict[str, Any]]:
    """The few numbers that decided; of a run without any, the judged figures."""
    if verdict is None:
        return []
    numbered = [check for check in verdict.checks if check.value is not None]
    if verdict.outcome is Outcome.PASS:
        compared = [check for check in numbered if check.change is not None]
        chosen = sorted(compared, key=lambda check: abs(check.change or 0.0), reverse=True)
    else:
        chosen = [check for check in numbered if check.reason is verdict.reason]
    cards = [_card(check) for check in chosen[:MOST_CARDS]]
    return cards or [
        {
            "look": "none" if row.reason is None else row.reason.outcome.value,
            "step": row.step,
            "name": figure_name(row.op, row.judged),
            "metric": row.judged,
            "value": row.values[row.judged].value,
            "check": None,
        }
        for row in rows[:MOST_CARDS]
        if row.judged in row.values
    ]


def _card(check: Check) -> dict[str, Any]:
    metric = check.metric or "iops"
    return {
        "look": check.reason.outcome.value,
        "step": check.step,
        "name": figure_name(check.op, metric),
        "metric": metric,
        "value": check.value,
        "check": check,
    }


def _counts(result: RunResult, checks: Sequence[Check]) -> list[tuple[str, int]]:
    """How many of the planned steps have which outcome."""
    found: dict[str, int] = {}
    for step in result.plan.steps:
        reason = winning_reason(check for check in checks if check.step == step.key)
        word = NOT_JUDGED if reason is None else reason.outcome.value
        found[word] = found.get(word, 0) + 1
    order = (
        *(each.value for each in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)),
        NOT_JUDGED,
    )
    return [(word, found[word]) for word in order if word in found]


def _baseline_runs(
    checks: Sequence[Check], links: Mapping[str, str]
) -> list[tuple[str, str | None]]:
    """The runs that anything was compared with, each with the way to its report."""
    runs = dict.fromkeys(run for check in checks for run in check.baseline_runs)
    return [(run, links.get(run)) for run in runs]


def _imported(result: RunResult) -> dict[str, str] | None:
    """Where an imported run came from; None for a run of ours."""
    if result.run.imported_from is None:
        return None
    found = result.run.facts.get("imported")
    facts = found if isinstance(found, Mapping) else {}
    return {name: str(facts.get(name, "")) for name in ("file", "program", "digest", "time_from")}


def _facts(found: object) -> list[tuple[str, str]]:
    return flat_facts(found if isinstance(found, Mapping) else {"": found})
