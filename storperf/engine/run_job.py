"""The run as a state machine: each phase is stored, then acted on; teardown comes always."""

from __future__ import annotations

from collections.abc import Callable

from storperf.engine import waiting
from storperf.engine.conclusion import collect, teardown
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind, Moment
from storperf.engine.judgement import accept, judge, plan_confirmation
from storperf.engine.measure import has_open_trial, measure
from storperf.engine.precondition import precondition
from storperf.engine.preparation import prepare, provision
from storperf.errors import ExitCode, StorperfError, worst
from storperf.model.run import Phase, Run, RunState
from storperf.model.verdict import Verdict
from storperf.remote.connection import WIDTH
from storperf.remote.heaps import give_back

Act = Callable[[RunContext], None]

# The phases that need agents, in order; a run that is resumed before the end of them starts
# with the first: each finds done what is done.
WITH_AGENTS: dict[Phase, Act] = {
    Phase.PROVISION: provision,
    Phase.PREPARE: prepare,
    Phase.PRECONDITION: precondition,
    Phase.MEASURE: measure,
    Phase.COLLECT: collect,
}
_ENDED_EARLY = (ExitCode.CANCELLED, ExitCode.USAGE, ExitCode.BUG)


def run_job(context: RunContext, report: Act, resume_at: Phase | None = None) -> Run:
    """Carry the run out, or on from the phase that was stored last; the run as it ended.

    `report` writes the papers of a judged run; it is given, so that the engine knows
    nothing of formats.
    """
    context.announce.tell(EventKind.RUN_STARTED, trials=len(context.plan.trials))
    try:
        if resume_at is None or resume_at in WITH_AGENTS:
            _measure_all(context)
        if not _is_cut_short(context) and resume_at is not Phase.TEARDOWN:
            _guarded(context, Phase.JUDGE, judge)
            while not _is_cut_short(context) and plan_confirmation(context):
                _measure_all(context)
                _guarded(context, Phase.JUDGE, judge)
            _guarded(context, Phase.JUDGE, accept)
            _guarded(context, Phase.REPORT, report)
    finally:
        _teardown(context)
    return _end(context)


def _measure_all(context: RunContext) -> None:
    # An earlier manager's trial still runs: a cancel waits until it can be stopped and stored.
    is_open = has_open_trial(context)
    for phase, act in WITH_AGENTS.items():
        _guarded(context, phase, act, may_cancel=not is_open)
        if context.faults:
            return


def _guarded(context: RunContext, phase: Phase, act: Act, *, may_cancel: bool = True) -> None:
    """One phase; what storperf itself noticed becomes a fault of the run, not the end of it."""
    if any(code is ExitCode.CANCELLED for code, _ in context.faults):
        return  # once is enough to say so
    try:
        waiting.look_for_cancel(context)
        if may_cancel:
            context.cancel.check()
        _enter(context, phase)
        act(context)
        context.announce.transition(phase.value, Moment.ACTED)
    except StorperfError as error:
        _add_fault(context, error)


def _teardown(context: RunContext) -> None:
    """Comes always: after a cancel, and also when the store cannot be told any more."""
    try:
        _enter(context, Phase.TEARDOWN)
    except StorperfError as error:
        _add_fault(context, error)
    try:
        teardown(context)
        context.announce.transition(Phase.TEARDOWN.value, Moment.ACTED)
    except StorperfError as error:
        _add_fault(context, error)
    if context.cancel.is_requested and not _is_cut_short(context):
        context.faults.append((ExitCode.CANCELLED, "cancelled while the run was ending"))


def _enter(context: RunContext, phase: Phase) -> None:
    if len(context.agents) > WIDTH:
        # What one phase has freed is no room for the next: of 200 agents some 6 MiB.
        give_back()
    context.store.set_phase(context.run_id, phase, at_s=context.epoch())
    context.announce.transition(phase.value, Moment.STORED)


def _add_fault(context: RunContext, error: StorperfError) -> None:
    context.faults.append((error.exit_code, error.message))
    context.announce.note(error.message)


def _is_cut_short(context: RunContext) -> bool:
    return any(code in _ENDED_EARLY for code, _ in context.faults)


def _exit_code(context: RunContext, verdict: Verdict | None) -> ExitCode:
    codes = [code for code, _ in context.faults]
    return worst(codes if verdict is None else [*codes, verdict.exit_code])


def _close_sinks(context: RunContext, exit_code: ExitCode) -> None:
    """Tell the sink how the run ended and what became of its points; lost ones are a note.

    They are a fault only when the job says that it needs its Graphite.
    """
    if context.telemetry is None:
        return
    facts = context.telemetry.finish(context, exit_code)
    context.store.set_run_facts(context.run_id, {"sinks": {"graphite": facts}})
    if facts["is_complete"]:
        return
    text = context.telemetry.explain_loss(facts)
    context.announce.note(text)
    if facts["required"]:
        context.faults.append((ExitCode.INFRASTRUCTURE, text))


def _end(context: RunContext) -> Run:
    """Store how the run ended: the exit code that wins, and why."""
    verdict = context.verdict or context.store.verdict(context.run_id)
    _close_sinks(context, _exit_code(context, verdict))
    exit_code = _exit_code(context, verdict)
    state = RunState.COMPLETED
    if exit_code is ExitCode.CANCELLED:
        state = RunState.CANCELLED
    elif context.faults:
        state = RunState.FAILED
    context.store.set_run_facts(
        context.run_id,
        {
            "faults": [{"exit_code": int(code), "message": text} for code, text in context.faults],
            "left_behind": list(context.left_behind),
        },
    )
    context.store.end_run(
        context.run_id,
        state=state,
        exit_code=exit_code,
        verdict=verdict.outcome.value if verdict else None,
        reason=verdict.reason.value if verdict else None,
        ended_s=context.epoch(),
    )
    context.announce.tell(EventKind.RUN_ENDED, exit_code=int(exit_code), state=state.value)
    return context.store.get_run(context.run_id)
