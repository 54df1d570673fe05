"""The phase measure: every planned trial that is not stored yet, in order."""

from __future__ import annotations

from storperf.engine import waiting
from storperf.engine.context import RunContext
from storperf.engine.events import EventKind
from storperf.engine.growth import grow
from storperf.engine.precondition import precondition
from storperf.engine.preparation import widen
from storperf.engine.trial_run import TrialRun
from storperf.model.run import TrialState

_OPEN = (TrialState.STARTED, TrialState.ENDED)


def has_open_trial(context: RunContext) -> bool:
    """Whether an earlier manager started a trial and did not come to store it."""
    return any(trial.state in _OPEN for trial in context.store.trials(context.run_id))


def measure(context: RunContext) -> None:
    """Measure until the plan neither has nor gets another trial.

    A trial that fails is kept with its reason, and the next one goes on.
    """
    _measure_planned(context)
    while grow(context):
        _measure_planned(context)


def _have_agents(context: RunContext, agents: int) -> None:
    """Let the run grow to the agents of its next trial; only new targets are preconditioned."""
    if agents > len(context.agents):
        widen(context, agents)
        precondition(context)


def _measure_planned(context: RunContext) -> None:
    latest = {trial.id: trial for trial in context.store.trials(context.run_id)}
    for planned in context.plan.trials:
        trial = latest[planned.id]
        waiting.look_for_cancel(context)
        if trial.state not in _OPEN:
            context.cancel.check()
        if trial.state is not TrialState.STORED:
            _have_agents(context, context.plan.step(trial.step_key).agents)
            TrialRun(context, trial).run()
        else:
            context.announce.tell(EventKind.PROGRESS, trial=trial.id, is_stored=True)
