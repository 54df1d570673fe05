"""One run against one other: the same screen, with a baseline of a single run."""

from __future__ import annotations

from collections.abc import Mapping

from storperf.model.job import Job, Plan, Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.run import TrialEnd
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.comparison import baselines, judge_against_baselines
from storperf.stats.gates import latest_attempts
from storperf.stats.repeats import Place, RunValue, baseline_of, run_values
from storperf.stats.wording import figure_name, quantity

_NO_MEASUREMENT = (None, TrialEnd.FAILED, TrialEnd.CANCELLED)


def compare_runs(reference: RunResult, candidate: RunResult) -> tuple[Check, ...]:
    """A check for each judged figure of the steps that both runs measured.

    Steps of unlike fingerprint are `not_comparable`; steps that only one run has are left
    out.  With one run on each side, the spread between runs is a prior: expect only large
    changes to be called suspicious, and none to be called proven.
    """
    before, after = _values(reference), _values(candidate)
    fingerprints = {step.key: step for step in reference.plan.steps}
    like: list[tuple[Step, str]] = []
    checks: list[Check] = []
    for step, side in _measured(candidate.job, candidate.plan, after):
        other = fingerprints.get(step.key)
        if other is None:
            continue
        if other.fingerprint == step.fingerprint:
            like.append((step, side))
        else:
            checks.append(_unlike(step, other, side, before, after))
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


def _unlike(
    step: Step,
    other: Step,
    side: str,
    before: Mapping[Place, RunValue],
    after: Mapping[Place, RunValue],
) -> Check:
    op, metric = step.workload.ops[0].value, step.workload.judged_metric
    now, then = dict(step.measuring), dict(other.measuring)
    fields = [
        f"{name} is {then.get(name, 'absent')} in one and {now.get(name, 'absent')} in the other"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
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
        sentence=f"{'; '.join(fields)}. {figure_name(op, metric)}: {shown[0]} and {shown[1]}.",
        value=values[1].value if values[1] else None,
        baseline_value=values[0].value if values[0] else None,
        baseline_runs=(),
    )
