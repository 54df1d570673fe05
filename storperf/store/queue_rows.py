"""Runs that were asked for: the rows of the queue and of its schedules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from storperf.errors import Conflict, UnknownName
from storperf.model.queued import EntryState, QueueEntry, QueuePage, Schedule
from storperf.store import schema
from storperf.store.database import Database, insert_new, upsert
from storperf.store.pages import Part, read_page

_QUEUE = schema.queue
_SCHEDULES = schema.schedules
# What a caller said so that a second request makes no second run stays in the store.
_COLUMNS = [_QUEUE.c[each.name] for each in fields(QueueEntry)]
_NEXT_FIRST = (-_QUEUE.c.priority, _QUEUE.c.submitted_s, _QUEUE.c.run_id)
_OPEN = (EntryState.RUNNING, EntryState.QUEUED)
_PARTS = (
    *(Part(where=(_QUEUE.c.state == state.value,), keys=_NEXT_FIRST) for state in _OPEN),
    Part(
        where=(_QUEUE.c.state.not_in([state.value for state in _OPEN]),),
        keys=(_QUEUE.c.ended_s, _QUEUE.c.run_id),
        is_descending=True,
    ),
)


class QueueRows:
    """The part of Store that knows what waits."""

    _database: Database

    def enqueue(self, entry: QueueEntry) -> None:
        """Put an entry into the queue."""
        with self._database.write() as connection:
            connection.execute(sa.insert(_QUEUE).values(_row(entry)))

    def enqueue_once(self, entry: QueueEntry, key: str) -> QueueEntry:
        """Put an entry into the queue unless one with that key is there; gives the one that is.

        Of several that come with one key at the same time one makes the entry.
        """
        same = sa.select(*_COLUMNS).where(_QUEUE.c.once == key)
        with self._database.write() as connection:
            if insert_new(connection, _QUEUE, {**_row(entry), "once": key}, "once"):
                return entry
            return _entry(connection.execute(same).mappings().one())

    def queue_entry(self, run_id: str) -> QueueEntry | None:
        """The entry of a run; None when it never was in the queue."""
        with self._database.read() as connection:
            row = (
                connection.execute(sa.select(*_COLUMNS).where(_QUEUE.c.run_id == run_id))
                .mappings()
                .first()
            )
        return None if row is None else _entry(row)

    def queue_page(self, *, limit: int, after: str | None = None, every: bool = False) -> QueuePage:
        """One page of what runs, then of what waits, in the order in which it would start.

        With `every` those that have ended come last, the newest first.  UsageError when `after`
        is no page's `next`.
        """
        parts = _PARTS if every else _PARTS[: len(_OPEN)]
        found = sa.select(*_COLUMNS)
        with self._database.read() as connection:
            rows, behind = read_page(connection, found, parts, limit=limit, after=after)
        return QueuePage(
            entries=tuple(_entry(row._mapping) for row in rows),  # noqa: SLF001 - SQLAlchemy's API
            next=behind,
        )

    def queue_counts(self) -> dict[EntryState, int]:
        """How many entries there are of each state; none of those that no entry is in."""
        found = sa.select(_QUEUE.c.state, sa.func.count()).group_by(_QUEUE.c.state)
        with self._database.read() as connection:
            return {EntryState(state): count for state, count in connection.execute(found)}

    def queue_entries(self, states: Collection[EntryState] = ()) -> tuple[QueueEntry, ...]:
        """Entries in these states (all without any), in the order in which they would start."""
        found = sa.select(*_COLUMNS).order_by(*_NEXT_FIRST)
        if states:
            found = found.where(_QUEUE.c.state.in_([state.value for state in states]))
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(found).mappings())

    def move_entry(
        self, run_id: str, from_states: Collection[EntryState], to: EntryState, **columns: object
    ) -> bool:
        """Change an entry's state if it still is in one of `from_states`; whether it was.

        Of two processes that try the same, one succeeds.  `columns` are set with it.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(_QUEUE)
                .where(
                    _QUEUE.c.run_id == run_id,
                    _QUEUE.c.state.in_([state.value for state in from_states]),
                )
                .values(state=to.value, **columns)
            )
        return bool(changed.rowcount)

    def forget_entry(self, run_id: str) -> None:
        """Remove an entry that neither waits nor runs; Conflict when it does."""
        with self._database.write() as connection:
            gone = connection.execute(
                sa.delete(_QUEUE).where(
                    _QUEUE.c.run_id == run_id,
                    _QUEUE.c.state.not_in([EntryState.QUEUED.value, EntryState.RUNNING.value]),
                )
            )
            left = connection.execute(
                sa.select(_QUEUE.c.run_id).where(_QUEUE.c.run_id == run_id)
            ).first()
        if not gone.rowcount and left is not None:
            raise Conflict(f"run {run_id} waits or runs; cancel it first")

    def save_schedule(self, schedule: Schedule) -> None:
        """Keep a schedule; one of the same name is replaced."""
        row = {each.name: getattr(schedule, each.name) for each in fields(schedule)}
        row |= {"rule": dict(schedule.rule), "facts": dict(schedule.facts)}
        with self._database.write() as connection:
            upsert(connection, _SCHEDULES, [row])

    def schedule(self, name: str) -> Schedule:
        """The schedule of that name; UnknownName lists those that there are."""
        found = {each.name: each for each in self.schedules()}
        if name not in found:
            known = ", ".join(found) or "there is none"
            raise UnknownName(f"no schedule is called {name}; {known}", name=name)
        return found[name]

    def fire_schedule(
        self, schedule: Schedule, entry: QueueEntry | None, *, next_s: float, note: str | None
    ) -> bool:
        """Put a schedule's run into the queue and say when it is due next, both or nothing.

        Without an entry it is only passed over, and `note` says why.  False, and nothing is done,
        when somebody changed or fired it meanwhile.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(_SCHEDULES)
                .where(
                    _SCHEDULES.c.name == schedule.name,
                    _SCHEDULES.c.is_enabled,
                    _SCHEDULES.c.next_s == schedule.next_s,
                )
                .values(
                    next_s=next_s,
                    last_run=schedule.last_run if entry is None else entry.run_id,
                    facts={**schedule.facts, "note": note},
                )
            )
            if changed.rowcount and entry is not None:
                connection.execute(sa.insert(_QUEUE).values(_row(entry)))
        return bool(changed.rowcount)

    def schedules(self) -> tuple[Schedule, ...]:
        """All of them, by name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(_SCHEDULES).order_by(_SCHEDULES.c.name)).mappings()
            return tuple(Schedule(**row) for row in rows)

    def delete_schedule(self, name: str) -> None:
        """Forget a schedule; UnknownName when there is none of that name."""
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(_SCHEDULES).where(_SCHEDULES.c.name == name))
        if not gone.rowcount:
            raise UnknownName(f"no schedule is called {name}", name=name)


def _row(entry: QueueEntry) -> dict[str, object]:
    row = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return row | {
        "state": entry.state.value,
        "resources": list(entry.resources),
        "facts": dict(entry.facts),
    }


def _entry(row: sa.RowMapping) -> QueueEntry:
    values: dict[str, Any] = {column.name: row[column.name] for column in _COLUMNS}
    values["state"] = EntryState(row["state"])
    values["resources"] = tuple(row["resources"])
    return QueueEntry(**values)
