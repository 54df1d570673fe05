"""A run as the earlier StorPerf told it: its metrics, its status, its report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from storperf.model.queued import EntryState
from storperf.model.result import RunResult
from storperf.model.run import RunState, Trial, TrialEnd, TrialState
from storperf.model.verdict import Verdict
from storperf.store.store import Store
from storperf.web.compatible.kept import KeptJob
from storperf.web.compatible.names import IO_TYPES, METRICS, window_names

_UNKNOWN = "Unknown"
# The words that scripts look for with awk: they may stand in no other line of an answer.
_RUNNING, _COMPLETED, _PENDING = "Running", "Completed", "Pending"
_ALL = "all"
_DEFAULT_SAMPLES = 10


def metrics_of(job: KeptJob) -> dict[str, float]:
    """`<window>.<read or write>.<metric>` of every step that has been measured.

    IOPS, KiB/s and nanoseconds.  A direction in which nothing was done is 0, as it was.
    """
    if job.result is None:
        return {}
    names = _windows(job, job.result)
    found: dict[str, float] = {}
    for trial in _measured(job.result):
        values = _summaries(job.result, trial)
        for io_type in IO_TYPES:
            for name, ours, factor in METRICS:
                key = f"{names[trial.step_key]}.{io_type}.{name}"
                found[key] = values.get((io_type, ours), 0.0) * factor
    return found


def progress_of(job: KeptJob) -> dict[str, Any]:
    """The old words, and beside them how the job ended, in other words."""
    result = job.result
    answer: dict[str, Any] = {
        "Status": _RUNNING if job.is_open else _COMPLETED,
        "Workloads": _workload_words(job),
        "End": _end(job),
    }
    if result is not None and result.run.exit_code is not None:
        answer |= {"Verdict": result.run.verdict, "ExitCode": result.run.exit_code}
    reason = _reason(job)
    return answer if reason is None else answer | {"Reason": reason}


def metadata_of(store: Store, job: KeptJob) -> dict[str, Any]:
    """What the request said, and the report as soon as the job has ended."""
    found = {**_metadata(job), **_told(job)}
    if not job.is_open and job.result is not None:
        found["report"] = report_of(store, job, job.result)
    return found


def report_of(store: Store, job: KeptJob, result: RunResult) -> dict[str, Any]:
    """The report, as it went to the results database."""
    run = result.run
    ended_s = run.ended_s if run.ended_s is not None else time.time()
    return {
        "project_name": "storperf",
        "installer": "Unknown_installer",
        **dict.fromkeys(("pod_name", "version", "scenario", "build_tag", "test_case"), _UNKNOWN),
        **_metadata(job),
        **_told(job),
        "case_name": _metadata(job).get("test_case", _UNKNOWN),
        "criteria": "PASS" if run.verdict == "pass" else "FAIL",
        "duration": ended_s - run.created_s,
        "timestart": run.created_s,
        "start_date": _date(run.created_s),
        "stop_date": _date(ended_s),
        "details": _details(store, job, result),
    }


def _details(store: Store, job: KeptJob, result: RunResult) -> dict[str, Any]:
    # numpy is heavy: most requests do without.
    from storperf.web.compatible.old_series import described, samples_of

    names, samples = _windows(job, result), _samples(job)
    data: dict[str, Any] = {}
    steady: dict[str, bool] = {}
    for trial in _measured(result):
        path = store.intervals_path(result.run.id, trial.id, trial.attempt)
        found = samples_of(path)
        data[names[trial.step_key]] = {
            name: {
                io_type: described(found.get((name, io_type), ()), samples) for io_type in IO_TYPES
            }
            for name, _, _ in METRICS
        }
        steady[names[trial.step_key]] = trial.end in {TrialEnd.STEADY, TrialEnd.STORPERF_RULE}
    return {
        "metrics": metrics_of(job),
        "report_data": data,
        "steady_state": steady,
        "verdict": _verdict(result.verdict, result),
    }


def _verdict(verdict: Verdict | None, result: RunResult) -> dict[str, Any]:
    """What the old form has no place for; `criteria` is PASS for a pass alone."""
    return {
        "verdict": result.run.verdict,
        "reason": result.run.reason,
        "exit_code": result.run.exit_code,
        "run": result.run.id,
        "is_judged": verdict is not None,
    }


def _metadata(job: KeptJob) -> dict[str, Any]:
    """The client's own map; `scenario` and `scenario_name` are one thing."""
    said = job.said.get("metadata")
    found = dict(said) if isinstance(said, dict) else {}
    known = found.get("scenario", found.get("scenario_name"))
    return found if known is None else {"scenario_name": known, "scenario": known} | found


def _told(job: KeptJob) -> dict[str, Any]:
    told = job.said.get("told")
    found = dict(told) if isinstance(told, dict) else {}
    agents = found.get("agent_count")
    addresses = found.get("slave_addresses")
    return {**found, "agent_count": agents or (len(addresses) if addresses else 1)}


def _samples(job: KeptJob) -> int:
    samples = job.said.get("samples")
    return samples if isinstance(samples, int) else _DEFAULT_SAMPLES


def _windows(job: KeptJob, result: RunResult) -> Mapping[str, str]:
    """Every step's old name; those that were planned later have theirs from the plan."""
    said = job.said.get("windows")
    return window_names(result.plan, {}) | (said if isinstance(said, dict) else {})


def _measured(result: RunResult) -> Iterator[Trial]:
    """The last trial of each step that was stored with figures, in the order of the steps."""
    last = {
        trial.step_key: trial
        for trial in result.trials
        if trial.state is TrialState.STORED and trial.end is not TrialEnd.FAILED
    }
    for step in result.plan.steps:
        if step.key in last:
            yield last[step.key]


def _summaries(result: RunResult, trial: Trial) -> dict[tuple[str, str], float]:
    return {
        (each.op, each.metric): each.value
        for each in result.summaries
        if each.trial == trial.id and each.agent == _ALL
    }


def _workload_words(job: KeptJob) -> dict[str, str]:
    if job.result is None:
        said = job.said.get("windows")
        names = said.values() if isinstance(said, dict) else ()
        return {f"{job.id}.{name}": _PENDING for name in names}
    states: dict[str, set[TrialState]] = {step.key: set() for step in job.result.plan.steps}
    for trial in job.result.trials:
        states.setdefault(trial.step_key, set()).add(trial.state)
    return {
        f"{job.id}.{name}": _word(states.get(key, set()))
        for key, name in _windows(job, job.result).items()
    }


def _word(states: set[TrialState]) -> str:
    if not states or states == {TrialState.PLANNED}:
        return _PENDING
    if TrialState.STARTED in states or TrialState.PLANNED in states:
        return _RUNNING
    return _COMPLETED


def _end(job: KeptJob) -> str | None:
    """How it ended, in lower case: queued and running jobs have not."""
    if job.is_open:
        return None
    if job.result is not None and job.result.run.state is not RunState.RUNNING:
        return job.result.run.state.value
    state = EntryState.ENDED if job.entry is None else job.entry.state
    return RunState.FAILED.value if state is EntryState.ENDED else state.value


def _reason(job: KeptJob) -> str | None:
    of_run = None if job.result is None else job.result.run.reason
    of_entry = None if job.entry is None else job.entry.reason
    reason = of_run or of_entry
    return None if reason is None else reason.replace("Status", "status")


def _date(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch_s))
