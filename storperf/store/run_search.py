"""Lists of runs, a page at a time."""

from __future__ import annotations

import base64
import json
from dataclasses import fields

import sqlalchemy as sa

from storperf.errors import UsageError
from storperf.model.listing import RunOrder, RunPage, RunRow, RunSearch
from storperf.model.run import Phase, RunState
from storperf.store import schema
from storperf.store.database import Database

_RUNS = schema.runs
_COLUMNS = [_RUNS.c[field.name] for field in fields(RunRow)]
# These stand before the job file in a row: no page behind the first has to be read.
_TEXTS = (_RUNS.c.id, _RUNS.c.job_name, _RUNS.c.title)
# Behind every second in which a run can end.
_NEVER_S = 1e15
# What follows the first key decides between equal ones: a page begins where the last one ended.
_KEYS: dict[RunOrder, tuple[sa.ColumnElement[object], ...]] = {
    RunOrder.CREATED: (_RUNS.c.created_s, _RUNS.c.id),
    RunOrder.ENDED: (sa.func.coalesce(_RUNS.c.ended_s, _NEVER_S), _RUNS.c.created_s, _RUNS.c.id),
    RunOrder.JOB: (_RUNS.c.job_name, _RUNS.c.created_s, _RUNS.c.id),
}

_KINDS = {float: "number", str: "text"}
_SHAPES = {
    RunOrder.CREATED: ["number", "text"],
    RunOrder.ENDED: ["number", "number", "text"],
    RunOrder.JOB: ["text", "number", "text"],
}


class RunSearches:
    """The part of Store that lists runs."""

    _database: Database

    def search_runs(self, wanted: RunSearch) -> RunPage:
        """One page of the runs that fit; UsageError when `after` is no page's `next`."""
        keys = _KEYS[wanted.order]
        found = sa.select(*_COLUMNS, *(key.label(f"key_{n}") for n, key in enumerate(keys)))
        found = found.where(*_conditions(wanted)).limit(wanted.limit + 1)
        found = found.order_by(*(key.desc() if wanted.is_descending else key for key in keys))
        if wanted.after is not None:
            place = sa.tuple_(*(sa.literal(each) for each in _place(wanted.after, wanted.order)))
            here = sa.tuple_(*keys)
            found = found.where(here < place if wanted.is_descending else here > place)
        with self._database.read() as connection:
            rows = connection.execute(found).all()
        shown = rows[: wanted.limit]
        more = len(rows) > wanted.limit
        return RunPage(
            runs=tuple(_row(row) for row in shown),
            next=_cursor(shown[-1][-len(keys) :]) if more else None,
        )

    def run_counts(self) -> tuple[tuple[str, str | None, int], ...]:
        """How many runs there are of each state and verdict."""
        kinds = (_RUNS.c.state, _RUNS.c.verdict)
        found = sa.select(*kinds, sa.func.count()).group_by(*kinds).order_by(*kinds)
        with self._database.read() as connection:
            return tuple((row[0], row[1], row[2]) for row in connection.execute(found))


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


def _cursor(keys: object) -> str:
    text = json.dumps(list(keys), separators=(",", ":"))  # type: ignore[call-overload]
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str, order: RunOrder) -> list[str | float]:
    """The keys in a cursor; whoever asks may have written anything into it."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        keys = json.loads(
            base64.b64decode(padded, altchars=b"-_", validate=True), parse_constant=_refuse
        )
        kinds = [_KINDS.get(type(key), "") for key in keys]
        "".join(key for key in keys if isinstance(key, str)).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise _no_cursor() from error
    if kinds != _SHAPES[order] or any("\0" in str(key) for key in keys):
        raise _no_cursor()
    return list(keys)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _no_cursor() -> UsageError:
    return UsageError("`after` is no page's `next`; give what the page before said, as it is")
