"""A result of fio as an imported run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from storperf.imports.figures import FioResult
from storperf.imports.fio_intervals import intervals_of
from storperf.imports.fio_steps import StepJobs, steps_of
from storperf.imports.fio_summaries import agent_names, summaries_of
from storperf.imports.imported import ImportedRun, ImportedTrial, trial_id
from storperf.imports.understood import understood_fio
from storperf.model.interval import Interval
from storperf.model.run import Flag, Steadiness, SteadyFigures, TrialEnd
from storperf.stats.judge_steady import judge_fixed
from storperf.stats.series import summed_series
from storperf.stats.table import IntervalTable

_LONGEST_NAME = 60
_HASH_LENGTH = 8
# First words of a failure that is the storage's own fault (fio.ending); the verdict looks for it.
_VERIFY = "what was read back is not what was written"


def fio_run(result: FioResult) -> ImportedRun:
    """The run that fio made: a step for each fio job, judged by what its result shows.

    Steady is judged only where status intervals show its course; the figures are the totals.
    """
    steps = steps_of(result.total.jobs)
    trials = tuple(_trial(result, step, trial_id(n)) for n, step in enumerate(steps, start=1))
    jobs = result.total.jobs
    runtime_s = max((job.runtime_ms for job in jobs), default=0) / 1000
    ended_s = result.total.timestamp_s
    ages = [job.elapsed_s for job in jobs if job.elapsed_s is not None]
    age_s = max([runtime_s, *ages])
    lengths = [each.duration_s for trial in trials for each in trial.intervals]
    servers = sorted({job.server for job in jobs}, key=lambda name: name or "")
    return ImportedRun(
        kind="fio",
        program=result.total.version or "fio",
        name=_name([step.step.workload.name for step in steps]),
        begun_s=None if ended_s is None else ended_s - age_s,
        ended_s=ended_s,
        runtime_s=runtime_s,
        interval_s=round(float(np.median(lengths)), 1) or None if lengths else None,
        until_steady=False,
        text=_job_file(steps),
        trials=trials,
        notes=(*result.remarks, *result.notes),
        environment={
            name: {"fio": result.total.version, "server": server or "where fio ran"}
            for server, name in agent_names(servers).items()
        },
        understood=understood_fio(result),
    )


def _trial(result: FioResult, step: StepJobs, trial: str) -> ImportedTrial:
    bad = [job for job in step.jobs if job.fault]
    good = [job for job in step.jobs if not job.fault]
    if not good:
        return ImportedTrial(
            step=step.step,
            end=TrialEnd.FAILED,
            end_reason=bad[0].fault,
            failure_kind="verify" if bad[0].fault.startswith(_VERIFY) else "other",
            steadiness=Steadiness.NOT_JUDGED,
            facts=_facts(step),
        )
    agents = agent_names(step.servers)
    partial = list(dict.fromkeys(job.partial for job in good if job.partial))
    partial += [f"fio job failed: {job.fault}" for job in bad]
    missing = _missing(step)
    partial += [missing] if missing else []
    intervals = intervals_of(result, step, agents, trial)
    steadiness, figures = _steadiness(step, intervals)
    # Times of a series are relative to the series alone where there is one.
    window = (
        (min(i.start_s for i in intervals), max(i.end_s for i in intervals)) if intervals else None
    )
    return ImportedTrial(
        step=step.step,
        end=TrialEnd.COMPLETED,
        end_reason="; ".join(partial) or None,
        steadiness=steadiness,
        steady_figures=figures,
        flags=(Flag.PARTIAL,) if partial else (),
        summaries=summaries_of(good, agents, trial),
        intervals=intervals,
        window_s=window,
        facts=_facts(step),
    )


def _missing(step: StepJobs) -> str:
    """Clones of a fio job that should be there, when some but not all of them are."""
    for server in step.servers:
        there = sum(job.server == server for job in step.jobs)
        if 1 < there < step.step.numjobs:
            return f"{there} of {step.step.numjobs} fio jobs are in the result"
    return ""


def _facts(step: StepJobs) -> dict[str, object]:
    return {
        "fio_jobs": [
            {"name": job.name, "group": job.group, "server": job.server, "error": job.error}
            for job in step.jobs
        ]
    }


def _steadiness(
    step: StepJobs, intervals: Sequence[Interval]
) -> tuple[Steadiness, tuple[SteadyFigures, ...]]:
    """By the rules for a trial of fixed length, told of the result's own course."""
    table = IntervalTable.from_intervals(intervals)
    if not len(table):
        return Steadiness.NOT_JUDGED, ()
    metric = step.step.workload.judged_metric
    interval_s = float(np.median(table.duration_s))
    series = {
        op: summed_series(table, op, metric, interval_s)
        for op in step.step.workload.ops
        if op in table.ops()
    }
    if not series or any(len(times) == 0 for times, _ in series.values()):
        return Steadiness.NOT_JUDGED, ()
    judged = judge_fixed(series, metric)
    return judged.steadiness, judged.figures


def _name(names: Sequence[str]) -> str:
    """The job's name when nobody gives one: those of its fio jobs, always the same for the same."""
    text = re.sub(r"\s+", " ", "+".join(dict.fromkeys(names))).strip() or "fio"
    if len(text) <= _LONGEST_NAME:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{text[: _LONGEST_NAME - _HASH_LENGTH - 1]}-{digest}"


def _job_file(steps: Sequence[StepJobs]) -> str:
    """The options as the result names them, written as fio's job file has them."""
    parts = []
    for each in steps:
        options = each.jobs[0].options
        lines = [f"{name}={value}" if value else name for name, value in options or ()]
        told = lines if options is not None else ["# the result does not name its options"]
        parts.append("\n".join([f"[{each.step.workload.name}]", *told]))
    return "\n\n".join(parts) + "\n"
