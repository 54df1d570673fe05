"""A run's result as plain values of a stable, versioned form (docs/reference/result-schema.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any

from storperf.model.ending import EndRule
from storperf.model.host_row import HostMeans
from storperf.model.job import Job, Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import Run, Summary, Trial
from storperf.reports.clean import fit
from storperf.reports.host_notes import FACT as HOST
from storperf.reports.host_notes import host_findings
from storperf.reports.verdict_document import verdict_document
from storperf.version import RESULT_SCHEMA

HOSTS = "hosts"
# Of a trial's facts those that have a form and a key of their own: see result_schema.
_FORMED = (HOST, HOSTS)
SCHEMA_NAME = f"storperf-result/{RESULT_SCHEMA}"


def result_document(result: RunResult) -> dict[str, Any]:
    """Dicts, lists, text, numbers and None, in a fixed order; no NaN, no infinity.

    A key is always there; what is missing is None.  A number that is none (a host's figure
    divided by zero) is missing too.
    """
    document = {
        "schema": SCHEMA_NAME,
        "run": _run(result.run),
        "job": _job(result.job),
        "verdict": None if result.verdict is None else verdict_document(result.verdict),
        "steps": [_step(step, result) for step in result.plan.steps],
        "environment": result.environment,
        "sinks": result.sinks,
    }
    plain_document: dict[str, Any] = plain(document)
    return plain_document


def plain(value: Any) -> Any:
    """The same as JSON knows it; facts (the dicts of others) keep their keys' order.

    TypeError for anything that JSON has no word for.
    """
    match value:
        case Enum():
            found = plain(value.value)
        case None | bool() | int():
            found = value
        case str():
            found = fit(value)
        case float():
            found = float(value) if math.isfinite(value) else None
        case Mapping():
            found = {fit(str(key)): plain(value[key]) for key in value}
        case list() | tuple():
            found = [plain(each) for each in value]
        case _:
            raise TypeError(f"a result holds a {type(value).__name__}, which is no JSON")
    return found


def _run(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "title": run.title,
        "state": run.state,
        "phase": run.phase,
        "created_s": run.created_s,
        "ended_s": run.ended_s,
        "exit_code": run.exit_code,
        "verdict": run.verdict,
        "reason": run.reason,
        "manager": _sorted(run.manager),
        "facts": _sorted(run.facts),
    }


def _job(job: Job) -> dict[str, object]:
    return {
        "name": job.name,
        "lab": job.lab,
        "repeats": job.repeats,
        "runtime_s": job.ending.runtime_s,
        "until_steady": job.ending.until_steady is not None,
        "until": [rule.value for rule in EndRule if rule in job.ending.rules],
        "until_need": job.ending.need.value,
        "interval_s": job.interval_s,
        "limits": [limit.text for limit in job.limits],
        "baseline_runs": job.baseline_runs,
        "text": job.text,
    }


def _step(step: Step, result: RunResult) -> dict[str, object]:
    trials = [trial for trial in result.trials if trial.step_key == step.key]
    latest = {trial.id: trial.attempt for trial in sorted(trials, key=lambda t: t.attempt)}
    return {
        "key": step.key,
        "workload": step.workload.name,
        "options": [{"name": name, "value": value} for name, value in step.workload.options],
        "block_size_bytes": step.block_size_bytes,
        "queue_depth": step.queue_depth,
        "numjobs": step.numjobs,
        "agents": step.agents,
        "judged_metric": step.workload.judged_metric,
        "fingerprint": step.fingerprint,
        "measuring": dict(step.measuring),
        "trials": [
            _trial(trial, result.summaries if latest[trial.id] == trial.attempt else ())
            for trial in trials
        ],
    }


def _trial(trial: Trial, summaries: Sequence[Summary]) -> dict[str, object]:
    figures = sorted(
        (summary for summary in summaries if summary.trial == trial.id),
        key=lambda summary: (summary.op, summary.agent, summary.metric),
    )
    return {
        "id": trial.id,
        "side": trial.side,
        "session": trial.session,
        "repeat": trial.repeat,
        "attempt": trial.attempt,
        "state": trial.state,
        "end": trial.end,
        "end_reason": trial.end_reason,
        "steadiness": trial.steadiness,
        "steady_figures": [
            {field.name: getattr(figures, field.name) for field in fields(figures)}
            for figures in trial.steady_figures
        ],
        "flags": list(trial.flags),
        "started_s": trial.started_s,
        "ended_s": trial.ended_s,
        "host": host_findings(trial),
        "hosts": _hosts(trial),
        "facts": _sorted({key: trial.facts[key] for key in trial.facts if key not in _FORMED}),
        "figures": [_figure(summary) for summary in figures],
    }


def _hosts(trial: Trial) -> list[dict[str, object]]:
    """The rows of the hosts; figures that an earlier storperf did not keep are None."""
    rows: Any = trial.facts.get(HOSTS, [])
    nothing = dict.fromkeys(field.name for field in fields(HostMeans))
    return [{**nothing, **row} for row in rows]


def _figure(summary: Summary) -> dict[str, object]:
    return {
        "op": summary.op,
        "agent": summary.agent,
        "metric": summary.metric,
        "unit": METRICS[summary.metric].unit,
        "value": summary.value,
        "low": summary.low,
        "high": summary.high,
    }


def _sorted(facts: Mapping[str, object]) -> dict[str, object]:
    return {name: facts[name] for name in sorted(facts)}
