"""A trial's intervals, out of the agents' journals into columns and figures.

Imported when the first trial has run: numpy and scipy are heavy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.engine.records import SAMPLES, Record, interval_of, of_attempt, sample_of
from storperf.engine.together import applied_s, skews
from storperf.model.ending import EndRule
from storperf.model.interval import Interval, SensorSample
from storperf.model.run import Trial
from storperf.stats.summary import TrialSummary, summarise_trial
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import (
    FEW_ROWS,
    IntervalWriter,
    iter_intervals,
    read_rows,
    writing_intervals,
)


def write(context: RunContext, trial: Trial, agents: Sequence[Agent]) -> IntervalTable:
    """The trial's rows without their histograms; the trial's file has these and the samples.

    `agents` are those whose intervals count.  However long the trial was, few of its histograms
    are in memory at a time.  Without any interval there is no file.
    """
    if not any(isinstance(each, Interval) for each in _heard(agents, trial)):
        return IntervalTable.from_intervals(())
    meta = {
        "run": context.run_id,
        "trial": trial.id,
        "attempt": trial.attempt,
        "step": trial.step_key,
        "side": trial.side,
    }
    path = context.store.intervals_path(context.run_id, trial.id, trial.attempt)
    with writing_intervals(path, meta=meta) as writer:
        _write_all(writer, _heard(agents, trial))
    return read_rows(path)


def together(
    agents: Sequence[Agent], trial: Trial, table: IntervalTable
) -> dict[str, object] | None:
    """How far apart the agents were in a trial; None for one agent."""
    released = {
        agent.name: float(record["start_s"])
        for agent in agents
        for record in islice(_starts(agent, trial), 1)  # the rest of a day need not be read
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
    """The trial's figures and steadiness; `table` is what `write` gave for it.

    `met` names the rules that ended it.
    """
    path = context.store.intervals_path(context.run_id, trial.id, trial.attempt)
    return summarise_trial(
        table=table,
        pieces=iter_intervals(path, FEW_ROWS) if len(table) else (),
        step=context.plan.step(trial.step_key),
        job=context.job,
        trial_id=trial.id,
        met=met,
    )


def _starts(agent: Agent, trial: Trial) -> Iterator[Record]:
    for record in of_attempt(agent.journal, trial.id, trial.attempt):
        if record["kind"] == "trial_started":
            yield record


def _heard(agents: Sequence[Agent], trial: Trial) -> Iterator[Interval | SensorSample]:
    """What the journals hold of an attempt, one agent after the other."""
    for agent in agents:
        offset_s = applied_s(trial, agent.name)
        for record in of_attempt(agent.journal, trial.id, trial.attempt):
            if record["kind"] == "interval":
                interval = interval_of(agent.name, record, offset_s)
                if interval is not None:
                    yield interval
            elif record["kind"] in SAMPLES:
                yield sample_of(agent.name, record, offset_s)


def _write_all(writer: IntervalWriter, heard: Iterator[Interval | SensorSample]) -> None:
    while some := list(islice(heard, FEW_ROWS)):
        writer.append(IntervalTable.from_intervals(x for x in some if isinstance(x, Interval)))
        writer.append_sensors(
            SensorTable.from_samples(x for x in some if isinstance(x, SensorSample))
        )
