"""The figures as CSV: one row per step, trial, op, agent and metric."""

from __future__ import annotations

import csv
import io

from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.reports.clean import cell
from storperf.stats.gates import latest_attempts

COLUMNS = (
    "run",
    "job",
    "lab",
    "step",
    "side",
    "session",
    "repeat",
    "trial",
    "attempt",
    "end",
    "steadiness",
    "flags",
    "op",
    "agent",
    "metric",
    "unit",
    "value",
    "low",
    "high",
)


def render_csv(result: RunResult) -> str:
    """The figures of the latest attempts under one heading; numbers with every digit.

    A trial without figures has no row: its end is in the JSON.  Text that a spreadsheet
    would take for a formula gets a `'` before it.
    """
    trials = latest_attempts(result.trials)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for summary in result.summaries:
        trial = trials[summary.trial]
        numbers = (summary.value, summary.low, summary.high)
        texts = (result.run.id, result.run.job_name, result.run.lab, trial.step_key, trial.side)
        writer.writerow(
            [
                *(cell(text) for text in texts),
                trial.session,
                trial.repeat,
                cell(trial.id),
                trial.attempt,
                "" if trial.end is None else trial.end.value,
                "" if trial.steadiness is None else trial.steadiness.value,
                " ".join(trial.flags),
                cell(summary.op),
                cell(summary.agent),
                summary.metric,
                METRICS[summary.metric].unit,
                *("" if number is None else repr(float(number)) for number in numbers),
            ]
        )
    return file.getvalue()
