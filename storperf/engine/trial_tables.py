"""A trial's intervals, out of the agents' journals into columns and figures.

Imported when the first trial has run: numpy and scipy are heavy.
"""

from __future__ import annotations

from itertools import chain

from storperf.engine.context import RunContext
from storperf.engine.records import intervals_of, of_attempt, samples_of
from storperf.engine.together import applied_s, skews
from storperf.model.job import EndRule
from storperf.model.run import Trial
from storperf.stats.summary import TrialSummary, summarise_trial
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import write_intervals


def write(context: RunContext, trial: Trial) -> IntervalTable:
    """The trial's intervals; with the host's samples they are written to the trial's file."""
    key = (trial.id, trial.attempt)
    journals = [
        (agent.name, agent.journal, applied_s(trial, agent.name)) for agent in context.agents
    ]
    table = IntervalTable.from_intervals(
        chain.from_iterable(
            intervals_of(name, journal, *key, offset_s) for name, journal, offset_s in journals
        )
    )
    sensors = SensorTable.from_samples(
        chain.from_iterable(
            samples_of(name, journal, *key, offset_s) for name, journal, offset_s in journals
        )
    )
    if len(table):
        meta = {
            "run": context.run_id,
            "trial": trial.id,
            "attempt": trial.attempt,
            "step": trial.step_key,
            "side": trial.side,
        }
        path = context.store.intervals_path(context.run_id, *key)
        write_intervals(path, table, sensors, meta=meta)
    return table


def together(context: RunContext, trial: Trial, table: IntervalTable) -> dict[str, float] | None:
    """How far apart the agents were in a trial; None for one agent."""
    released = {
        agent.name: float(record["start_s"])
        for agent in context.agents
        for record in of_attempt(agent.journal, trial.id, trial.attempt)
        if record["kind"] == "trial_started"
    }
    spans = {}
    for number, name in enumerate(table.agents):
        own = table.agent == number
        if own.any():
            spans[name] = (float(table.start_s[own].min()), float(table.end_s[own].max()))
    return skews(trial, released, spans)


def summarise(
    context: RunContext, trial: Trial, table: IntervalTable, *, met: frozenset[EndRule]
) -> TrialSummary:
    """The trial's figures and steadiness; `met` names the rules that ended it."""
    return summarise_trial(
        table=table,
        step=context.plan.step(trial.step_key),
        job=context.job,
        trial_id=trial.id,
        met=met,
    )
