"""Lists of runs, a page at a time."""

from __future__ import annotations

from dataclasses import fields

import sqlalchemy as sa

from storperf.model.listing import RunOrder, RunPage, RunRow, RunSearch
from storperf.model.run import Phase, RunState
from storperf.store import schema
from storperf.store.database import Database
from storperf.store.pages import Part, read_page

_RUNS = schema.runs
_COLUMNS = [_RUNS.c[field.name] for field in fields(RunRow)]
# These stand before the job file in a row: no page behind the first has to be read.
_TEXTS = (_RUNS.c.id, _RUNS.c.job_name, _RUNS.c.title)


class RunSearches:
    """The part of Store that lists runs."""

    _database: Database

    def search_runs(self, wanted: RunSearch) -> RunPage:
        """One page of the runs that fit; UsageError when `after` is no page's `next`."""
        found = sa.select(*_COLUMNS).where(*_conditions(wanted))
        with self._database.read() as connection:
            rows, behind = read_page(
                connection, found, _parts(wanted), limit=wanted.limit, after=wanted.after
            )
        return RunPage(runs=tuple(_row(row) for row in rows), next=behind)

    def known_jobs(self) -> tuple[tuple[str, str], ...]:
        """The names of all jobs that have a run, each with every lab that it ran in."""
        found = sa.select(_RUNS.c.job_name, _RUNS.c.lab).distinct()
        with self._database.read() as connection:
            rows = connection.execute(found.order_by(_RUNS.c.job_name, _RUNS.c.lab))
            return tuple((row.job_name, row.lab) for row in rows)

    def run_counts(self) -> tuple[tuple[str, str | None, int], ...]:
        """How many runs there are of each state and verdict."""
        kinds = (_RUNS.c.state, _RUNS.c.verdict)
        found = sa.select(*kinds, sa.func.count()).group_by(*kinds).order_by(*kinds)
        with self._database.read() as connection:
            return tuple((row[0], row[1], row[2]) for row in connection.execute(found))


def _parts(wanted: RunSearch) -> list[Part]:
    """Runs that have not ended count as the last to end."""
    newest = (_RUNS.c.created_s, _RUNS.c.id)
    if wanted.order is not RunOrder.ENDED:
        first = (_RUNS.c.job_name,) if wanted.order is RunOrder.JOB else ()
        return [Part(keys=(*first, *newest), is_descending=wanted.is_descending)]
    ended = _RUNS.c.ended_s
    parts = [
        Part(
            keys=(ended, *newest),
            where=(ended.is_not(None),),
            is_descending=wanted.is_descending,
        ),
        Part(keys=newest, where=(ended.is_(None),), is_descending=wanted.is_descending),
    ]
    return parts[::-1] if wanted.is_descending else parts


def _conditions(wanted: RunSearch) -> list[sa.ColumnElement[bool]]:
    same = (
        (_RUNS.c.job_name, wanted.job),
        (_RUNS.c.lab, wanted.lab),
        (_RUNS.c.state, wanted.state),
        (_RUNS.c.verdict, wanted.verdict),
    )
    conditions: list[sa.ColumnElement[bool]] = [
        column == value for column, value in same if value is not None
    ]
    if wanted.from_s is not None:
        conditions.append(_RUNS.c.created_s >= wanted.from_s)
    if wanted.until_s is not None:
        conditions.append(_RUNS.c.created_s < wanted.until_s)
    if wanted.text:
        holds = (each.icontains(wanted.text, autoescape=True) for each in _TEXTS)
        conditions.append(sa.or_(*holds))
    return conditions


def _row(row: sa.Row[object]) -> RunRow:
    values = {field.name: getattr(row, field.name) for field in fields(RunRow)}
    values["state"] = RunState(values["state"])
    values["phase"] = None if values["phase"] is None else Phase(values["phase"])
    return RunRow(**values)
