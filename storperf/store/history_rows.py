"""What a history needs of many runs, in four questions whatever their number."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from storperf.model.job import Workload
from storperf.model.run import Flag, RunState, Summary, Trial, TrialState
from storperf.model.verdict import Reason
from storperf.store import schema
from storperf.store.database import Database
from storperf.store.runs import FIRST_ATTEMPT, pairs
from storperf.store.trials import overall_figures

_RUNS, _STEPS = schema.runs, schema.steps
_TRIALS = schema.trials
# SQLite takes 32,766 values in one statement, and an answer is held whole.
_AT_ONCE = 200
_STATES = {state.value: state for state in TrialState}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWord:
    """What a check is about, None for all, and its word."""

    step: str
    side: str
    op: str | None
    metric: str | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredStep:
    """A step of a plan."""

    key: str
    workload: Workload
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRun:
    """One run's plan, its latest attempts, their figures over all agents, and its checks.

    `sides` are the planned steps with their sides, in the order of the plan.  Of a trial only
    what says which measurement it is was read, no facts.
    """

    id: str
    steps: tuple[MeasuredStep, ...]
    sides: tuple[tuple[str, str], ...]
    trials: tuple[Trial, ...]
    summaries: tuple[Summary, ...]
    checks: tuple[CheckWord, ...]


class HistoryRows:
    """The part of Store that reads many runs at once."""

    _database: Database

    def measured_runs(
        self, run_ids: Sequence[str], metrics: Sequence[str]
    ) -> dict[str, MeasuredRun]:
        """These runs with these metrics, by id; ids that no run has are left out."""
        found = {}
        with self._database.read() as connection:
            for first in range(0, len(run_ids), _AT_ONCE):
                some = run_ids[first : first + _AT_ONCE]
                found.update({run.id: run for run in _measured(connection, some, metrics)})
        return found

    def job_stamp(self, job: str, lab: str | None) -> tuple[int | float | None, ...]:
        """Something that changes with the job's runs, and with any baseline or calibration.

        Equal stamps, equal histories; only while a run of the job is running (the second value)
        its phase and facts change without a new stamp.
        """
        of_job = [_RUNS.c.job_name == job]
        if lab is not None:
            of_job.append(_RUNS.c.lab == lab)
        running = sa.func.count().filter(_RUNS.c.state == RunState.RUNNING.value)
        sums = (sa.func.sum(_RUNS.c.created_s), sa.func.sum(_RUNS.c.ended_s))
        tables = (schema.baseline, schema.anchors, schema.calibrations)
        newest = (sa.select(sa.func.max(table.c.number)).scalar_subquery() for table in tables)
        asked = sa.select(sa.func.count(), running, *sums, *newest).where(*of_job)
        with self._database.read() as connection:
            return tuple(connection.execute(asked).one())


def _measured(
    connection: sa.Connection, run_ids: Sequence[str], metrics: Sequence[str]
) -> Iterator[MeasuredRun]:
    document = sa.type_coerce(_RUNS.c.verdict_document, sa.Text)
    documents = connection.execute(
        sa.select(_RUNS.c.id, document).where(_RUNS.c.id.in_(run_ids))
    ).all()
    steps = _grouped(
        connection.execute(
            sa.select(
                _STEPS.c.run_id,
                _STEPS.c.key,
                _STEPS.c.workload,
                sa.type_coerce(_STEPS.c.options, sa.Text).label("options"),
                _STEPS.c.fingerprint,
            )
            .where(_STEPS.c.run_id.in_(run_ids))
            .order_by(_STEPS.c.run_id, _STEPS.c.position)
        ).all()
    )
    trials = _grouped(connection.execute(_trials(run_ids)).all())
    latest = {run_id: _latest(of_run) for run_id, of_run in trials.items()}
    summaries = _summaries(connection, [row for rows in latest.values() for row in rows], metrics)
    plans, flags = _Plans(), _Flags()
    for run_id, document in documents:
        yield MeasuredRun(
            id=run_id,
            steps=tuple(plans.step(row) for row in steps[run_id]),
            sides=tuple(_sides(trials[run_id])),
            trials=tuple(_trial(row, flags) for row in latest.get(run_id, ())),
            summaries=tuple(summaries[run_id]),
            checks=_checks(document),
        )


def _trials(run_ids: Sequence[str]) -> sa.Select[Any]:
    names = ("run_id", "id", "step_key", "side", "session", "repeat", "attempt", "state")
    flags = sa.type_coerce(_TRIALS.c.flags, sa.Text).label("flags")
    return (
        sa.select(*(_TRIALS.c[name] for name in names), flags)
        .where(_TRIALS.c.run_id.in_(run_ids))
        .order_by(_TRIALS.c.run_id, _TRIALS.c.position, _TRIALS.c.id, _TRIALS.c.attempt)
    )


def _sides(trials: Sequence[Any]) -> dict[tuple[str, str], None]:
    """The planned steps with their sides: every planned trial has a first attempt."""
    return dict.fromkeys((row.step_key, row.side) for row in trials if row.attempt == FIRST_ATTEMPT)


def _latest(trials: Sequence[Any]) -> list[Any]:
    return list({row.id: row for row in trials}.values())


def _summaries(
    connection: sa.Connection, trials: Sequence[Any], metrics: Sequence[str]
) -> dict[str, list[Summary]]:
    found: dict[str, list[Summary]] = defaultdict(list)
    latest = {(row.run_id, row.id, row.attempt) for row in trials}
    for row in connection.execute(overall_figures(latest, metrics)).all() if latest else ():
        # Unpacked, for by name each value is looked up twice, and these are most of a history.
        run_id, trial, attempt, agent, op, metric, value, low, high = row
        if (run_id, trial, attempt) in latest:
            found[run_id].append(
                Summary(
                    trial=trial,
                    agent=agent,
                    op=op,
                    metric=metric,
                    value=value,
                    low=low,
                    high=high,
                )
            )
    return found


def _grouped(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(row)
    return found


class _Plans:
    """Steps out of rows; a job's runs mostly have the same, which are made once."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str, str, str], MeasuredStep] = {}

    def step(self, row: Any) -> MeasuredStep:
        """The step of a row whose `options` are still JSON."""
        _run_id, key, name, options, fingerprint = row
        found = self._steps.get((key, name, options, fingerprint))
        if found is None:
            workload = Workload(name=name, options=pairs(json.loads(options)))
            found = MeasuredStep(key=key, workload=workload, fingerprint=fingerprint)
            self._steps[key, name, options, fingerprint] = found
        return found


class _Flags(dict[str, tuple[Flag, ...]]):
    """Flags of their JSON; mostly there are none."""

    def __missing__(self, text: str) -> tuple[Flag, ...]:
        found = self[text] = tuple(Flag(flag) for flag in json.loads(text))
        return found


def _trial(row: Any, flags: _Flags) -> Trial:
    _run_id, trial, step_key, side, session, repeat, attempt, state, own_flags = row
    return Trial(
        id=trial,
        step_key=step_key,
        side=side,
        session=session,
        repeat=repeat,
        attempt=attempt,
        state=_STATES[state],
        flags=flags[own_flags],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a history has of a verdict; its working stays unread, which is nine tenths of it."""

    checks: tuple[CheckWord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A stored verdict."""

    verdict: _Words


def _checks(document: str | None) -> tuple[CheckWord, ...]:
    # A run without a verdict has NULL, or the null of JSON.
    judged = msgspec.json.decode(document or "null", type=_Judged | None)
    return () if judged is None else judged.verdict.checks
