"""What has to be true of a run before its figures mean anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from storperf.model.ending import EndRule
from storperf.model.job import CANDIDATE, Job, Plan, PlannedTrial, Step
from storperf.model.run import Flag, Steadiness, Summary, Trial, TrialEnd
from storperf.model.verdict import WHOLE_RUN, Check, CheckKind, Reason
from storperf.stats.loads import Loads, Where, far_beyond, loads_of
from storperf.stats.repeats import ALL
from storperf.stats.wording import percent

# What a trial with such a flag is called, and why its figures are not judged.
BLOCKING_FLAGS = {
    Flag.PARTIAL: (
        Reason.INVALID,
        "an agent or a target is missing from it: the sums are not those of the step",
    ),
    Flag.LOW_OVERLAP: (Reason.TOO_FEW, "the agents ran together for too short a time"),
    Flag.FOREIGN_IO: (
        Reason.DISTURBED,
        "something else did as much I/O on its device, which was to be the job's alone",
    ),
    Flag.UNSTEADY_PRECONDITION: (
        Reason.NOT_STEADY,
        "the random writes before it were not steady by their deadline",
    ),
    Flag.READS_UNWRITTEN: (
        Reason.NOT_STORAGE,
        "it read blocks that were never written, which no storage fetches; see precondition.fill",
    ),
    Flag.READS_UNKNOWN: (
        Reason.NOT_STORAGE,
        "nobody knows whether what it read was ever written; see precondition.fill",
    ),
    Flag.FASTER_THAN_STORAGE: (
        Reason.NOT_STORAGE,
        "its reads came faster than any storage can answer: from memory, or from nothing",
    ),
}


def latest_attempts(trials: Sequence[Trial]) -> dict[str, Trial]:
    """The last attempt of each trial, by id."""
    latest: dict[str, Trial] = {}
    for trial in trials:
        if trial.id not in latest or trial.attempt > latest[trial.id].attempt:
            latest[trial.id] = trial
    return latest


def judge_gates(
    job: Job,
    plan: Plan,
    trials: Mapping[str, Trial],
    summaries: Sequence[Summary],
    faults: Sequence[str],
) -> Iterator[Check]:
    """A check for everything that keeps the run, or one of its trials, from being judged.

    `trials` holds the latest attempts by id.  Nothing comes out only when every planned
    trial ended well, held still (or was too short to tell), and has its judged figure for
    each direction.  Silence does not mean that the figures are good.
    """
    for fault in faults:
        yield _gate(WHOLE_RUN, CANDIDATE, Reason.INVALID, fault)
    if not any(planned.side == CANDIDATE for planned in plan.trials):
        yield _gate(WHOLE_RUN, CANDIDATE, Reason.INVALID, "Nothing was planned to be measured.")
    elif all(plan.step(planned.step_key).workload.is_warm_up for planned in plan.trials):
        words = "There were warm-ups only: nothing can be judged."
        yield _gate(WHOLE_RUN, CANDIDATE, Reason.TOO_FEW, words)
    have = {
        (each.trial, each.op, each.metric)
        for each in summaries
        if each.agent == ALL and math.isfinite(each.value) and each.value > 0
    }
    for planned in plan.trials:
        found = _judge_trial(
            job, plan.step(planned.step_key), planned, trials.get(planned.id), have
        )
        for reason, sentence in found:
            yield _gate(planned.step_key, planned.side, reason, f"Trial {planned.id}: {sentence}.")


def load_gates(
    trials: Iterable[Trial], before: Mapping[Where, Mapping[str, Loads]]
) -> Iterator[Check]:
    """A check for each step and side whose agents went through far more than in earlier runs.

    `trials` are those that the run was to make anyway; `before` goes by run, oldest first.
    """
    for where, now in loads_of(trials).items():
        for said in far_beyond(now, list(before.get(where, {}).values())):
            sentence = f"The machine is not what it was: {said}."
            yield _gate(*where, Reason.DISTURBED, sentence)


def _gate(step: str, side: str, reason: Reason, sentence: str) -> Check:
    return Check(
        kind=CheckKind.GATE,
        step=step,
        side=side,
        op=None,
        metric=None,
        reason=reason,
        sentence=sentence,
    )


def _judge_trial(
    job: Job,
    step: Step,
    planned: PlannedTrial,
    trial: Trial | None,
    have: set[tuple[str, str, str]],
) -> Iterator[tuple[Reason, str]]:
    if trial is None or trial.end is None:
        yield Reason.INVALID, "it was planned and never measured"
        return
    if (trial.step_key, trial.side) != (planned.step_key, planned.side):
        yield Reason.INVALID, f"it was stored for step {trial.step_key}, side {trial.side}"
        return
    if trial.end in (TrialEnd.FAILED, TrialEnd.CANCELLED):
        yield _bad_end(trial)
        return
    if Flag.BEFORE_WINDOW in trial.flags or step.workload.is_warm_up:
        return
    metric = step.workload.judged_metric
    for op in step.workload.ops:
        if (trial.id, op.value, metric) not in have:
            yield Reason.INVALID, f"there is no {op.value} {metric} of it: no data, no verdict"
    for flag in trial.flags:
        if flag in BLOCKING_FLAGS:
            reason, sentence = BLOCKING_FLAGS[flag]
            yield reason, _why_partial(trial, flag) or sentence
    if _is_unsteady(job, trial):
        told = " ".join(each.sentence for each in trial.steady_figures if each.sentence)
        yield Reason.NOT_STEADY, f"it was not steady{told and ': '}{told.rstrip('.')}"
    if _is_unsure(job, trial) and job.ending.until_confident is not None:
        wanted = percent(job.ending.until_confident.half_width)
        yield Reason.TOO_FEW, f"its deadline came before its mean was known to {wanted}"


def _why_partial(trial: Trial, flag: Flag) -> str:
    """Why a trial is only a part: an import that was cut off, or an agent that was lost.

    Only such a one can end well for a reason.
    """
    if flag is not Flag.PARTIAL or trial.end_reason is None:
        return ""
    return f"it is only a part of a measurement: {trial.end_reason.rstrip('.')}"


def _bad_end(trial: Trial) -> tuple[Reason, str]:
    why = (trial.end_reason or "no reason was given").rstrip(".")
    if trial.end is TrialEnd.CANCELLED:
        return Reason.INVALID, "it was cancelled"
    if trial.facts.get("failure_kind") == "verify":
        return Reason.VERIFY_ERROR, f"the storage gave back other data than was written: {why}"
    return Reason.INVALID, f"it failed: {why}"


def _is_unsteady(job: Job, trial: Trial) -> bool:
    """Whether it is known not to be steady; a trial to run until steady has to be known to be."""
    rules = job.ending.rules
    if not rules & {EndRule.STEADY, EndRule.STORPERF} or trial.end is TrialEnd.CONFIDENT:
        return trial.steadiness is Steadiness.NOT_STEADY
    if trial.end is TrialEnd.DEADLINE and EndRule.CONFIDENT not in rules:
        return True
    return trial.steadiness is not Steadiness.STEADY


def _is_unsure(job: Job, trial: Trial) -> bool:
    """Whether its mean was to be known well, and was not when the deadline came."""
    return trial.end is TrialEnd.DEADLINE and EndRule.CONFIDENT in job.ending.rules
