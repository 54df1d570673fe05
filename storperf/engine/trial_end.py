"""What an agent's record of a trial's end means."""

from __future__ import annotations

from typing import Any

from storperf.fio.ending import FailureKind, FioFailure, explain_failure
from storperf.model.ending import EndRule
from storperf.model.job import Job, Op, Step
from storperf.model.run import TrialEnd

Record = dict[str, Any]

# fio's clock and ours may differ by the last, unfinished I/O; more is not the runtime asked for.
_LEAST_RUNTIME = 0.9
# A device may need that long to drain what is queued; a fio that needs more hangs.
_GRACE_S = 15.0
_GRACE_SHARE = 0.2
# With less on the agent's disk than a status document needs, what fio prints is cut off.
_LEAST_ROOM_BYTES = 1 << 16
# Between the names of the rules that ended a trial.
AND = "+"
# How a trial is called that these rules ended; of several the first, which says most.
_ENDS = {
    EndRule.STEADY: TrialEnd.STEADY,
    EndRule.CONFIDENT: TrialEnd.CONFIDENT,
    EndRule.STORPERF: TrialEnd.STORPERF_RULE,
}


def explain_end(ended: Record) -> FioFailure | None:
    """Why the trial is no measurement, None when it is one (as far as fio's words go)."""
    loss = _explain_loss(ended)
    if loss is not None:
        return loss
    failures = [each for each in map(_explain_target, ended["targets"]) if each is not None]
    if failures and ended.get("room_bytes", _LEAST_ROOM_BYTES) < _LEAST_ROOM_BYTES:
        sentence = f"the agent's disk is full; {failures[0].sentence}"
        return FioFailure(kind=FailureKind.AGENT, sentence=sentence)
    return failures[0] if failures else _explain_stop(ended["why"])


def _explain_loss(ended: Record) -> FioFailure | None:
    """What befell the agent or the target; fio's own words matter less then."""
    why = ended["why"]
    if why == "agent_died":
        return FioFailure(kind=FailureKind.AGENT, sentence="the agent's process died")
    if why == "host_rebooted":
        return FioFailure(kind=FailureKind.AGENT, sentence="the agent's host was rebooted")
    if why == "journal_full":
        return FioFailure(
            kind=FailureKind.AGENT, sentence="the agent's disk is full, its journal stopped"
        )
    if why.startswith("refused: "):
        return FioFailure(kind=FailureKind.TARGET, sentence=why.removeprefix("refused: "))
    if not ended["targets"]:
        return FioFailure(kind=FailureKind.AGENT, sentence=f"fio was not started: {why}")
    return None


def _explain_stop(why: str) -> FioFailure | None:
    # By itself, or by us because its rules were met.  Any other stop leaves a piece of a
    # measurement: a lease that ran out, a release, a cancel of a manager that died before it
    # could store it.
    if not why or rules_met(why):
        return None
    return FioFailure(kind=FailureKind.AGENT, sentence=f"it was stopped before its end: {why}")


def _explain_target(target: Record) -> FioFailure | None:
    failure = explain_failure(
        exit_status=target["exit_status"],
        signal=target["signal"],
        stopped_by_us=target["stopped"],
        timed_out=target["timed_out"],
        documents=target["documents"],
        total_ios=sum(target["ios"].values()),
        errors=target["errors"],
        last_lines=[*target["last_lines"], *target["notes"]],
    )
    unread = _unread(target)
    # Who floods us is killed by us: the flood is the reason, the signal its consequence.
    if unread is None or (failure is not None and failure.kind is not FailureKind.KILLED):
        return failure
    more = f"; {failure.sentence}" if failure else ""
    sentence = f"fio's status documents cannot be read: {unread}{more}"
    return FioFailure(kind=FailureKind.RUBBISH, sentence=sentence)


def _unread(target: Record) -> str | None:
    """What is wrong with the documents; one that is left out would be a hole in the figures."""
    if target["broken"]:
        return str(target["broken"])
    if target["rubbish"]:
        return f"{target['rubbish']} of them are torn, no JSON, or hold NaN"
    return None


def explain_figures(ended: Record, step: Step, job: Job) -> FioFailure | None:
    """Why figures that fio calls good cannot be true; None when nothing contradicts them."""
    for target in ended["targets"]:
        for op in step.workload.ops:
            ios, size = target["ios"][op.value], target["bytes"][op.value]
            if step.block_size_bytes and ios and size > ios * step.block_size_bytes:
                sentence = (
                    f"fio claims {size} bytes in {ios} {op.value}s of {step.block_size_bytes} bytes"
                )
                return FioFailure(kind=FailureKind.LIES, sentence=sentence)
            if step.workload.is_warm_up or step.workload.fio_file is not None:
                continue
            runtime_s = _runtime_s(step, target, op)
            if not target["stopped"] and runtime_s < job.ending.runtime_s * _LEAST_RUNTIME:
                sentence = f"fio ended after {runtime_s:g} s instead of {job.ending.runtime_s:g} s"
                return FioFailure(kind=FailureKind.EARLY, sentence=sentence)
    return None


def _runtime_s(step: Step, target: Record, op: Op) -> float:
    """How long fio did this direction; a verify takes turns writing and reading back."""
    runtimes: dict[str, int] = target["runtime_ms"]
    is_verify = step.workload.option("verify") is not None
    return (sum(runtimes.values()) if is_verify else runtimes[op.value]) / 1000


def rules_met(why: str) -> frozenset[EndRule]:
    """The rules that ended a trial, from the agent's `why`; none when it was stopped otherwise."""
    names = frozenset(why.split(AND))
    return frozenset(map(EndRule, names)) if names <= set(EndRule) else frozenset()


def end_of(job: Job, step: Step, met: frozenset[EndRule]) -> TrialEnd:
    """How a trial that is a measurement ended, by the rules that were met."""
    if step.workload.is_warm_up or not job.ending.rules:
        return TrialEnd.COMPLETED
    return next((end for rule, end in _ENDS.items() if rule in met), TrialEnd.DEADLINE)


def longest_s(runtime_s: float) -> float:
    """When the agent kills a fio that has not ended by itself, in seconds after its start.

    A device may need 15 s, or a fifth of a long trial, to drain what is queued.
    """
    return runtime_s + max(_GRACE_S, runtime_s * _GRACE_SHARE)
