"""The result as Markdown, for a comment in a review or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from storperf.model.result import RunResult
from storperf.model.run import SteadyFigures, Trial
from storperf.reports.agents_apart import apart_sentence
from storperf.reports.clean import markdown, markdown_block
from storperf.reports.found import found_sentences
from storperf.reports.host_notes import host_sentences
from storperf.reports.step_rows import NOTHING, StepRow, step_rows
from storperf.units import render_duration

_HEADINGS = (
    ("step", ""),
    ("op", ""),
    ("IOPS", "iops"),
    ("bandwidth", "bandwidth"),
    ("p50 clat", "clat_p50"),
    ("p99 clat", "clat_p99"),
)


def render_markdown(result: RunResult) -> str:
    """Verdict, table of steps, what decided, trials, environment and the job file."""
    parts = [
        *_verdict(result),
        "## Steps",
        *_steps(step_rows(result)),
        *(
            f"- {markdown(sentence)}"
            for sentence in (*found_sentences(result.run), *host_sentences(result))
        ),
        *_checks(result),
        *_apart(result),
        "## Trials",
        _trials(result.trials),
        *_facts("Environment", result.environment),
        *_facts("Sinks", result.sinks),
        "## Job file"
        if result.run.imported_from is None
        else "## What the result tells of its job",
        markdown_block(result.job.text),
    ]
    return "\n\n".join(parts) + "\n"


def _verdict(result: RunResult) -> Iterator[str]:
    run, verdict = result.run, result.verdict
    if verdict is None:
        yield f"# {markdown(run.job_name)}: no verdict"
        yield f"Reason: {markdown(run.reason or f'the run is {run.state}')}"
    else:
        yield f"# {markdown(run.job_name)}: {verdict.outcome}"
        yield f"**{markdown(verdict.reason)}**: {markdown(verdict.sentence)}"
    title = "" if run.title is None else f" ({markdown(run.title)})"
    began = datetime.fromtimestamp(run.created_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    told = [f"Run {markdown(run.id)}{title}", f"lab {markdown(run.lab)}", f"begun {began}"]
    if run.ended_s is not None:
        told.append(f"took {render_duration(max(0.0, run.ended_s - run.created_s))}")
    if run.exit_code is not None:
        told.append(f"exit code {run.exit_code}")
    yield ", ".join(told) + "."


def _steps(rows: Sequence[StepRow]) -> Iterator[str]:
    sides = {row.side for row in rows}
    headings = [heading for heading, _metric in _HEADINGS]
    yield _table(
        [*headings, "baseline", "change", "outcome"],
        [_step_cells(row, name_side=len(sides) > 1) for row in rows],
    )
    notes = ["Bold is the judged figure; baseline and change are of it."]
    if any(row.trials > 1 for row in rows):
        notes.append("With several trials of a step a figure is their geometric mean.")
    yield " ".join(notes)


def _step_cells(row: StepRow, *, name_side: bool) -> list[str]:
    figures = [
        f"**{row.figures[metric]}**" if metric == row.judged else row.figures[metric]
        for _heading, metric in _HEADINGS
        if metric
    ]
    step = f"{row.step} {row.side}" if name_side else row.step
    why = "" if row.reason is None else f" ({markdown(row.reason)})"
    return [
        markdown(step),
        row.op,
        *figures,
        row.baseline,
        row.change,
        f"{row.verdict}{why}",
    ]


def _checks(result: RunResult) -> Iterator[str]:
    if result.verdict is None or not result.verdict.checks:
        return
    yield "## Checks"
    yield "\n".join(
        f"- {check.reason.outcome} ({markdown(check.reason)}), {markdown(check.step)}"
        f"{'' if check.op is None else ' ' + markdown(check.op)}: {markdown(check.sentence)}"
        for check in result.verdict.checks
    )


def _apart(result: RunResult) -> Iterator[str]:
    told = [(trial, apart_sentence(trial)) for trial in result.trials]
    lines = [f"- {markdown(trial.id)}: {markdown(said)}" for trial, said in told if said]
    if lines:
        yield "## Agents"
        yield "\n".join(lines)


def _trials(trials: Sequence[Trial]) -> str:
    return _table(
        ["trial", "step", "side", "attempt", "end", "steadiness", "flags", "remark"],
        [
            [
                markdown(trial.id),
                markdown(trial.step_key),
                markdown(trial.side),
                str(trial.attempt),
                NOTHING if trial.end is None else trial.end.value,
                NOTHING if trial.steadiness is None else markdown(trial.steadiness),
                markdown(" ".join(trial.flags)) or NOTHING,
                _remark(trial.end_reason, trial.steady_figures),
            ]
            for trial in trials
        ],
    )


def _remark(reason: str | None, figures: Sequence[SteadyFigures]) -> str:
    sentences = [reason, *(each.sentence for each in figures)]
    return " ".join(markdown(sentence) for sentence in sentences if sentence) or NOTHING


def _facts(heading: str, facts: dict[str, object]) -> Iterator[str]:
    if not facts:
        return
    yield f"## {heading}"
    yield _table(
        ["name", "fact", "value"],
        [
            [markdown(name), markdown(fact), markdown(str(value))]
            for name, found in sorted(facts.items())
            for fact, value in (sorted(found.items()) if isinstance(found, dict) else [("", found)])
        ],
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
