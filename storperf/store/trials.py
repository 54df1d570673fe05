"""Trials, their summaries, and the verdict made of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import sqlalchemy as sa

from storperf.errors import StoreError
from storperf.model.run import (
    Flag,
    Steadiness,
    SteadyFigures,
    Summary,
    Trial,
    TrialEnd,
    TrialState,
)
from storperf.model.verdict import Verdict
from storperf.store import schema
from storperf.store.database import Database, upsert
from storperf.store.runs import require_run
from storperf.version import RESULT_SCHEMA

_TRIALS = schema.trials
_SUMMARIES = schema.summaries


class TrialRows:
    """The part of Store that knows trials."""

    _database: Database

    def trials(self, run_id: str) -> tuple[Trial, ...]:
        """Every attempt at every trial, in the order of execution, then of attempts."""
        with self._database.read() as connection:
            require_run(connection, run_id)
            rows = connection.execute(
                sa.select(_TRIALS)
                .where(_TRIALS.c.run_id == run_id)
                .order_by(_TRIALS.c.position, _TRIALS.c.id, _TRIALS.c.attempt)
            )
            return tuple(_trial(row) for row in rows)

    def save_trial(self, run_id: str, trial: Trial) -> None:
        """Store what is known of this attempt, in place of what was."""
        with self._database.write() as connection:
            require_run(connection, run_id)
            upsert(connection, _TRIALS, [_trial_row(connection, run_id, trial)])

    def store_trial(self, run_id: str, trial: Trial, summaries: Sequence[Summary]) -> None:
        """Store an attempt and all its summaries, in place of earlier ones of this attempt."""
        rows = [_summary_row(run_id, trial, summary) for summary in summaries]
        with self._database.write() as connection:
            require_run(connection, run_id)
            upsert(connection, _TRIALS, [_trial_row(connection, run_id, trial)])
            connection.execute(
                sa.delete(_SUMMARIES).where(
                    _SUMMARIES.c.run_id == run_id,
                    _SUMMARIES.c.trial == trial.id,
                    _SUMMARIES.c.attempt == trial.attempt,
                )
            )
            if rows:
                connection.execute(sa.insert(_SUMMARIES), rows)

    def summaries(self, run_id: str) -> tuple[Summary, ...]:
        """The summaries of the latest attempt at each trial, in a fixed order."""
        columns = [_SUMMARIES.c[name] for name in Summary.__slots__]
        with self._database.read() as connection:
            require_run(connection, run_id)
            rows = connection.execute(
                sa.select(*columns)
                .join(_TRIALS, summary_of_trial())
                .where(_SUMMARIES.c.run_id == run_id, is_latest_attempt())
                .order_by(
                    _TRIALS.c.position,
                    _SUMMARIES.c.trial,
                    _SUMMARIES.c.op,
                    _SUMMARIES.c.agent,
                    _SUMMARIES.c.metric,
                )
            )
            return tuple(Summary(**row) for row in rows.mappings())

    def save_verdict(self, run_id: str, verdict: Verdict) -> None:
        """Store the verdict as a versioned document, in place of an earlier one."""
        document = {"schema": RESULT_SCHEMA, "verdict": msgspec.to_builtins(verdict)}
        runs = schema.runs
        with self._database.write() as connection:
            require_run(connection, run_id)
            connection.execute(
                sa.update(runs).where(runs.c.id == run_id).values(verdict_document=document)
            )

    def verdict(self, run_id: str) -> Verdict | None:
        """The stored verdict; None when the run has not been judged."""
        runs = schema.runs
        with self._database.read() as connection:
            require_run(connection, run_id)
            document = connection.scalar(
                sa.select(runs.c.verdict_document).where(runs.c.id == run_id)
            )
        if document is None:
            return None
        if document["schema"] > RESULT_SCHEMA:
            raise StoreError(
                f"the verdict of run {run_id} has form {document['schema']}, this storperf reads "
                f"up to {RESULT_SCHEMA}; use the newer version",
                run=run_id,
            )
        return msgspec.convert(document["verdict"], Verdict)


# A run's id, a trial's id and the attempt at it.
AttemptKey = tuple[str, str, int]


def overall_figures(
    attempts: Collection[AttemptKey], metrics: Collection[str] | None
) -> sa.Select[Any]:
    """Figures over all agents, of these attempts and a few others that the caller leaves out.

    Each list is one of the first columns of the primary key: SQLite, which knows nothing of how
    many rows there are, would otherwise read all figures of the runs (4 ms instead of 0.1 for 30).
    """
    found = sa.select(_SUMMARIES).where(_SUMMARIES.c.agent == "all")
    for n, column in enumerate((_SUMMARIES.c.run_id, _SUMMARIES.c.trial, _SUMMARIES.c.attempt)):
        found = found.where(column.in_(sorted({key[n] for key in attempts})))
    return found if metrics is None else found.where(_SUMMARIES.c.metric.in_(metrics))


def summary_of_trial() -> sa.ColumnElement[bool]:
    """The join of a summary with the attempt it belongs to."""
    return sa.and_(
        _SUMMARIES.c.run_id == _TRIALS.c.run_id,
        _SUMMARIES.c.trial == _TRIALS.c.id,
        _SUMMARIES.c.attempt == _TRIALS.c.attempt,
    )


def is_latest_attempt() -> sa.ColumnElement[bool]:
    """Whether no later attempt at the same trial was ever stored."""
    later = _TRIALS.alias("later")
    return ~sa.exists().where(
        later.c.run_id == _TRIALS.c.run_id,
        later.c.id == _TRIALS.c.id,
        later.c.attempt > _TRIALS.c.attempt,
    )


def _trial_row(connection: sa.Connection, run_id: str, trial: Trial) -> dict[str, object]:
    # A second attempt stands where the first one stood; a trial beyond the plan at the end.
    of_run = sa.select(sa.func.max(_TRIALS.c.position)).where(_TRIALS.c.run_id == run_id)
    position = connection.scalar(of_run.where(_TRIALS.c.id == trial.id))
    if position is None:
        last = connection.scalar(of_run)
        position = 0 if last is None else last + 1
    return {
        "run_id": run_id,
        "id": trial.id,
        "attempt": trial.attempt,
        "step_key": trial.step_key,
        "side": trial.side,
        "session": trial.session,
        "repeat": trial.repeat,
        "position": position,
        "state": trial.state,
        "end": trial.end,
        "end_reason": trial.end_reason,
        "steadiness": trial.steadiness,
        "steady_figures": [asdict(figures) for figures in trial.steady_figures],
        "flags": trial.flags,
        "started_s": trial.started_s,
        "ended_s": trial.ended_s,
        "facts": trial.facts,
    }


def _trial(row: sa.Row[Any]) -> Trial:
    return Trial(
        id=row.id,
        step_key=row.step_key,
        side=row.side,
        session=row.session,
        repeat=row.repeat,
        attempt=row.attempt,
        state=TrialState(row.state),
        end=None if row.end is None else TrialEnd(row.end),
        end_reason=row.end_reason,
        steadiness=None if row.steadiness is None else Steadiness(row.steadiness),
        steady_figures=tuple(SteadyFigures(**figures) for figures in row.steady_figures),
        flags=tuple(Flag(flag) for flag in row.flags),
        started_s=row.started_s,
        ended_s=row.ended_s,
        facts=row.facts,
    )


def _summary_row(run_id: str, trial: Trial, summary: Summary) -> dict[str, object]:
    if summary.trial != trial.id:
        raise ValueError(f"a summary of trial {summary.trial} came with trial {trial.id}")
    numbers = {"value": summary.value, "low": summary.low, "high": summary.high}
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise ValueError(f"{name} of {summary.metric} in trial {trial.id} is {number}")
    return {
        "run_id": run_id,
        "trial": trial.id,
        "attempt": trial.attempt,
        "agent": summary.agent,
        "op": summary.op,
        "metric": summary.metric,
        **{name: None if number is None else float(number) for name, number in numbers.items()},
    }
