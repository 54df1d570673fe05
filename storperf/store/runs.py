"""Runs: what was asked, which phase it is in, how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from storperf.errors import Conflict, ExitCode, UnknownName
from storperf.model.job import Plan, PlannedTrial, Step, Workload
from storperf.model.run import Phase, Run, RunState, Transition
from storperf.store import schema
from storperf.store.database import Database

# The first attempt at a trial; `create_run` stores every planned trial under it.
FIRST_ATTEMPT = 1

_RUNS = schema.runs
_COLUMNS = [
    column for column in _RUNS.c if column.name not in ("cancel_requested", "verdict_document")
]
_NEWEST_FIRST = (_RUNS.c.created_s.desc(), _RUNS.c.id.desc())
_CANCEL_REQUESTED = sa.select(_RUNS.c.cancel_requested).where(_RUNS.c.id == sa.bindparam("run"))


class RunRows:
    """The part of Store that knows runs, steps and phases."""

    _database: Database

    def create_run(self, run: Run, plan: Plan) -> None:
        """Store a run with its steps and planned trials, all or nothing.

        Conflict when the id is taken, or what it is imported from has been imported.
        """
        with self._database.write() as connection:
            if connection.scalar(sa.select(_RUNS.c.id).where(_RUNS.c.id == run.id)) is not None:
                raise Conflict(f"there is a run {run.id} already", run=run.id)
            twin = _imported_from(connection, run.imported_from)
            if twin is not None:
                raise Conflict(f"it is there already, as run {twin['id']}", run=twin["id"])
            connection.execute(sa.insert(_RUNS), _run_row(run))
            for table, rows in (
                (schema.steps, [_step_row(run.id, n, step) for n, step in enumerate(plan.steps)]),
                (schema.trials, [_planned_row(run.id, n, t) for n, t in enumerate(plan.trials)]),
            ):
                if rows:
                    connection.execute(sa.insert(table), rows)

    def grow_plan(self, run_id: str, steps: Sequence[Step], trials: Sequence[PlannedTrial]) -> None:
        """Plan more steps and trials of a run, behind those that are planned, all or nothing."""
        with self._database.write() as connection:
            require_run(connection, run_id)
            of_run = schema.steps.c.run_id == run_id
            highest = connection.scalar(
                sa.select(sa.func.max(schema.steps.c.position)).where(of_run)
            )
            begin = 0 if highest is None else highest + 1
            if steps:
                rows = [_step_row(run_id, n, each) for n, each in enumerate(steps, start=begin)]
                connection.execute(sa.insert(schema.steps), rows)
            mine = schema.trials.c.run_id == run_id
            last = connection.scalar(sa.select(sa.func.max(schema.trials.c.position)).where(mine))
            first = 0 if last is None else last + 1
            rows = [_planned_row(run_id, n, each) for n, each in enumerate(trials, start=first)]
            if rows:
                connection.execute(sa.insert(schema.trials), rows)

    def get_run(self, run_id: str) -> Run:
        """The run with exactly that id; UnknownName lists the recent ones."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(*_COLUMNS).where(_RUNS.c.id == run_id))
            row = found.mappings().first()
            if row is None:
                raise unknown_run(connection, run_id)
        return _run(row)

    def resolve(self, text: str) -> Run:
        """The run that a person means: an id, the beginning of one, `last`, or a title.

        UnknownName when nothing fits, and when the beginning or the title fits several.
        """
        with self._database.read() as connection:
            for condition in _meanings(text):
                found = sa.select(*_COLUMNS).where(condition).order_by(*_NEWEST_FIRST).limit(6)
                rows = connection.execute(found).mappings().all()
                if len(rows) > 1 and text != "last":
                    ids = ", ".join(row["id"] for row in rows[:5]) + (", ..." if rows[5:] else "")
                    raise UnknownName(f"{text!r} fits several runs: {ids}", name=text)
                if rows:
                    return _run(rows[0])
            raise unknown_run(connection, text)

    def find_imported(self, imported_from: str) -> Run | None:
        """The run that was made of the result with that digest; None when there is none."""
        with self._database.read() as connection:
            row = _imported_from(connection, imported_from)
        return None if row is None else _run(row)

    def find_runs(  # noqa: PLR0913 - a condition each
        self,
        *,
        job: str | None = None,
        lab: str | None = None,
        state: RunState | None = None,
        from_s: float | None = None,
        until_s: float | None = None,
        limit: int | None = 50,
    ) -> tuple[Run, ...]:
        """Runs that fit every condition given, newest first; empty when none does.

        Times are of the run's creation, in epoch seconds; `until_s` itself is left out.
        """
        found = sa.select(*_COLUMNS).order_by(*_NEWEST_FIRST).limit(limit)
        for column, value in ((_RUNS.c.job_name, job), (_RUNS.c.lab, lab), (_RUNS.c.state, state)):
            if value is not None:
                found = found.where(column == value)
        if from_s is not None:
            found = found.where(_RUNS.c.created_s >= from_s)
        if until_s is not None:
            found = found.where(_RUNS.c.created_s < until_s)
        with self._database.read() as connection:
            return tuple(_run(row) for row in connection.execute(found).mappings())

    def plan(self, run_id: str) -> Plan:
        """The steps and trials that the run was created with."""
        steps, trials = schema.steps, schema.trials
        with self._database.read() as connection:
            require_run(connection, run_id)
            step_rows = connection.execute(
                sa.select(steps).where(steps.c.run_id == run_id).order_by(steps.c.position)
            ).all()
            trial_rows = connection.execute(
                sa.select(trials)
                .where(trials.c.run_id == run_id, trials.c.attempt == FIRST_ATTEMPT)
                .order_by(trials.c.position)
            ).all()
        return Plan(
            steps=tuple(_step(row) for row in step_rows),
            trials=tuple(
                PlannedTrial(
                    id=row.id,
                    step_key=row.step_key,
                    side=row.side,
                    session=row.session,
                    repeat=row.repeat,
                )
                for row in trial_rows
            ),
        )

    def set_phase(self, run_id: str, phase: Phase, *, at_s: float) -> None:
        """Store that the run enters a phase; call it before anything of the phase is done."""
        with self._database.write() as connection:
            _update(connection, run_id, phase=phase.value)
            connection.execute(
                sa.insert(schema.transitions), {"run_id": run_id, "phase": phase, "at_s": at_s}
            )

    def transitions(self, run_id: str) -> tuple[Transition, ...]:
        """The phases that the run entered, in that order."""
        table = schema.transitions
        with self._database.read() as connection:
            require_run(connection, run_id)
            rows = connection.execute(
                sa.select(table).where(table.c.run_id == run_id).order_by(table.c.number)
            )
            return tuple(Transition(phase=Phase(row.phase), at_s=row.at_s) for row in rows)

    def end_run(  # noqa: PLR0913 - a column each
        self,
        run_id: str,
        *,
        state: RunState,
        exit_code: ExitCode | int,
        verdict: str | None,
        reason: str | None,
        ended_s: float,
    ) -> None:
        """Store how the run ended; saying it twice leaves what was said last."""
        with self._database.write() as connection:
            _update(
                connection,
                run_id,
                state=state.value,
                exit_code=int(exit_code),
                verdict=verdict,
                reason=reason,
                ended_s=ended_s,
            )

    def set_run_facts(self, run_id: str, facts: Mapping[str, object]) -> None:
        """Add facts to those of the run; a name that is there gets the new value."""
        with self._database.write() as connection:
            merge_facts(connection, run_id, facts)

    def set_manager(self, run_id: str, manager: Mapping[str, object]) -> None:
        """Store which process manages the run, in place of what was said before."""
        with self._database.write() as connection:
            _update(connection, run_id, manager=dict(manager))

    def request_cancel(self, run_id: str) -> None:
        """Ask the run's manager to end it; asking twice is asking once."""
        with self._database.write() as connection:
            _update(connection, run_id, cancel_requested=True)

    def cancel_requested(self, run_id: str) -> bool:
        """Whether somebody asked for the run's end; cheap enough for every second."""
        with self._database.read() as connection:
            asked = connection.scalar(_CANCEL_REQUESTED, {"run": run_id})
            if asked is None:
                raise unknown_run(connection, run_id)
        return bool(asked)


def unknown_run(connection: sa.Connection, text: str) -> UnknownName:
    """The error for a name that no run has; it lists the five newest runs."""
    known = list(connection.scalars(sa.select(_RUNS.c.id).order_by(*_NEWEST_FIRST).limit(5)))
    listed = f"the newest are {', '.join(known)}" if known else "this store holds no run at all"
    return UnknownName(f"there is no run {text!r}; {listed}", name=text, known=known)


def _imported_from(connection: sa.Connection, digest: str | None) -> sa.RowMapping | None:
    if digest is None:
        return None
    found = connection.execute(sa.select(*_COLUMNS).where(_RUNS.c.imported_from == digest))
    return found.mappings().first()


def require_run(connection: sa.Connection, run_id: str) -> None:
    """UnknownName unless the run is there."""
    if connection.scalar(sa.select(_RUNS.c.id).where(_RUNS.c.id == run_id)) is None:
        raise unknown_run(connection, run_id)


def merge_facts(connection: sa.Connection, run_id: str, facts: Mapping[str, object]) -> None:
    """Add facts to the run's inside the caller's transaction."""
    known = connection.scalar(
        sa.select(_RUNS.c.facts).where(_RUNS.c.id == run_id).with_for_update()
    )
    _update(connection, run_id, facts={**(known or {}), **facts})


def _update(connection: sa.Connection, run_id: str, **values: object) -> None:
    changed = connection.execute(sa.update(_RUNS).where(_RUNS.c.id == run_id).values(**values))
    if changed.rowcount == 0:
        raise unknown_run(connection, run_id)


def _meanings(text: str) -> list[sa.ColumnElement[bool]]:
    if text == "last":
        return [sa.true()]
    meanings: list[sa.ColumnElement[bool]] = [_RUNS.c.id == text]
    if text:
        meanings.append(sa.func.substr(_RUNS.c.id, 1, len(text)) == text)
        meanings.append(_RUNS.c.title == text)
    return meanings


def _run_row(run: Run) -> dict[str, object]:
    row: dict[str, object] = {column.name: getattr(run, column.name) for column in _COLUMNS}
    return row | {"cancel_requested": False}


def _run(row: sa.RowMapping) -> Run:
    phase = None if row["phase"] is None else Phase(row["phase"])
    return Run(**{**row, "state": RunState(row["state"]), "phase": phase})


def _step_row(run_id: str, position: int, step: Step) -> dict[str, object]:
    return {
        "run_id": run_id,
        "key": step.key,
        "position": position,
        "workload": step.workload.name,
        "options": step.workload.options,
        "block_size_bytes": step.block_size_bytes,
        "queue_depth": step.queue_depth,
        "numjobs": step.numjobs,
        "agents": step.agents,
        "fingerprint": step.fingerprint,
        "measuring": step.measuring,
    }


def _step(row: sa.Row[Any]) -> Step:
    return Step(
        key=row.key,
        workload=Workload(name=row.workload, options=pairs(row.options)),
        block_size_bytes=row.block_size_bytes,
        queue_depth=row.queue_depth,
        numjobs=row.numjobs,
        agents=row.agents,
        fingerprint=row.fingerprint,
        measuring=pairs(row.measuring),
    )


def pairs(kept: list[list[str]]) -> tuple[tuple[str, str], ...]:
    """Pairs of text as JSON gave them back."""
    return tuple((name, value) for name, value in kept)


def _planned_row(run_id: str, position: int, trial: PlannedTrial) -> dict[str, object]:
    return {
        "run_id": run_id,
        "id": trial.id,
        "attempt": FIRST_ATTEMPT,
        "step_key": trial.step_key,
        "side": trial.side,
        "session": trial.session,
        "repeat": trial.repeat,
        "position": position,
        "state": "planned",
        "steady_figures": [],
        "flags": [],
        "facts": {},
    }
