"""One run against one other: the same screen, with a baseline of a single run."""

from __future__ import annotations

from collections.abc import Mapping

from storperf.model.job import Job, Plan, Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import Steadiness, Trial, TrialEnd
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.comparison import baselines, judge_against_baselines
from storperf.stats.gates import BLOCKING_FLAGS, latest_attempts
from storperf.stats.repeats import Place, RunValue, baseline_of, run_values
from storperf.stats.wording import figure_name, quantity

_NO_MEASUREMENT = (None, TrialEnd.FAILED, TrialEnd.CANCELLED)


def compare_runs(reference: RunResult, candidate: RunResult) -> tuple[Check, ...]:
    """A check for each judged figure of the steps that both runs measured.

    Steps of unlike fingerprint are `not_comparable`, and so are those that one of the runs
    measured only in part or while they drifted; steps that only one run has are left out.  With
    one run on each side, the spread between runs is a prior: expect only large changes to be
    called suspicious, and none to be called proven.
    """
    before, after = _values(reference), _values(candidate)
    fingerprints = {step.key: step for step in reference.plan.steps}
    like: list[tuple[Step, str]] = []
    checks: list[Check] = []
    for step, side in _measured(candidate.job, candidate.plan, after):
        other = fingerprints.get(step.key)
        if other is None:
            continue
        why = _differences(step, other) or _doubts(step.key, side, reference, candidate)
        if why:
            checks.append(_unlike(step, why, side, before, after))
        else:
            like.append((step, side))
    history = baseline_of(before, reference.run.id, reference.run.created_s)
    return (*judge_against_baselines(like, after, baselines(history, 1)), *checks)


def _values(result: RunResult) -> dict[Place, RunValue]:
    latest = latest_attempts(result.trials).values()
    return run_values([t for t in latest if t.end not in _NO_MEASUREMENT], result.summaries)


def _measured(job: Job, plan: Plan, values: Mapping[Place, RunValue]) -> list[tuple[Step, str]]:
    present = {(step, side) for step, side, _, _ in values}
    return [
        (step, side.name)
        for step in plan.steps
        for side in job.sides
        if (step.key, side.name) in present
    ]


def _differences(step: Step, other: Step) -> str:
    """The measuring fields that differ, with both values; empty for the same fingerprint."""
    if step.fingerprint == other.fingerprint:
        return ""
    now, then = dict(step.measuring), dict(other.measuring)
    fields = [
        f"{name} is {then.get(name, 'absent')} in one and {now.get(name, 'absent')} in the other"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    return "; ".join(fields) or "the fingerprint's version"


def _doubts(key: str, side: str, reference: RunResult, candidate: RunResult) -> str:
    """Why a figure of either run is none of a steady, whole measurement; empty when both are."""
    told = []
    for name, result in (("reference", reference), ("candidate", candidate)):
        for trial in latest_attempts(result.trials).values():
            if (trial.step_key, trial.side) != (key, side):
                continue
            blocking = [BLOCKING_FLAGS[flag][1] for flag in trial.flags if flag in BLOCKING_FLAGS]
            if blocking:
                told.append(f"the {name}: {trial.end_reason or '; '.join(blocking)}")
            if trial.steadiness is Steadiness.NOT_STEADY:
                told.append(f"the {name} did not hold still{_drifts(trial)}")
    return "; ".join(told)


def _drifts(trial: Trial) -> str:
    """What the trial's figures say of it, those of a window that held still left out."""
    said = [each.sentence.rstrip(".") for each in trial.steady_figures if not each.snia_steady]
    return f" ({'; '.join(said)})" if any(said) else ""


def _unlike(
    step: Step,
    why: str,
    side: str,
    before: Mapping[Place, RunValue],
    after: Mapping[Place, RunValue],
) -> Check:
    op, metric = step.workload.ops[0].value, step.workload.judged_metric
    place = (step.key, side, op, metric)
    values = [known.get(place) for known in (before, after)]
    shown = [quantity(METRICS[metric], value.value) if value else "no value" for value in values]
    return Check(
        kind=CheckKind.BASELINE,
        step=step.key,
        side=side,
        op=op,
        metric=metric,
        reason=Reason.NOT_COMPARABLE,
        sentence=f"{why}. {figure_name(op, metric)}: {shown[0]} and {shown[1]}.",
        value=values[1].value if values[1] else None,
        baseline_value=values[0].value if values[0] else None,
        baseline_runs=(),
    )
