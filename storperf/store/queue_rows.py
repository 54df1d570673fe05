"""Runs that were asked for: the rows of the queue and of its schedules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

import sqlalchemy as sa

from storperf.errors import Conflict, UnknownName
from storperf.model.queued import EntryState, QueueEntry, Schedule
from storperf.store import schema
from storperf.store.database import Database, upsert

_QUEUE = schema.queue
_SCHEDULES = schema.schedules
# Key of an entry's facts: what a caller said so that a second request makes no second run.
_ONCE = "once"


class QueueRows:
    """The part of Store that knows what waits."""

    _database: Database

    def enqueue(self, entry: QueueEntry) -> None:
        """Put an entry into the queue."""
        with self._database.write() as connection:
            connection.execute(sa.insert(_QUEUE).values(_row(entry)))

    def enqueue_once(self, entry: QueueEntry, key: str) -> QueueEntry:
        """Put an entry into the queue unless one with that key is there; gives the one that is.

        `key` is plain text without quotes, such as a digest.
        """
        told = sa.type_coerce(_QUEUE.c.facts, sa.Text)
        same = sa.select(_QUEUE).where(told.contains(f'"{_ONCE}":"{key}"', autoescape=True))
        with self._database.write() as connection:
            found = connection.execute(same).mappings().first()
            if found is not None:
                return _entry(found)
            made = replace(entry, facts={**entry.facts, _ONCE: key})
            connection.execute(sa.insert(_QUEUE).values(_row(made)))
        return made

    def queue_entry(self, run_id: str) -> QueueEntry | None:
        """The entry of a run; None when it never was in the queue."""
        with self._database.read() as connection:
            row = (
                connection.execute(sa.select(_QUEUE).where(_QUEUE.c.run_id == run_id))
                .mappings()
                .first()
            )
        return None if row is None else _entry(row)

    def queue_entries(
        self, states: Collection[EntryState] = (), *, limit: int | None = None, offset: int = 0
    ) -> tuple[QueueEntry, ...]:
        """Entries in these states (all without any), in the order in which they would start."""
        found = (
            sa.select(_QUEUE)
            .order_by(_QUEUE.c.priority.desc(), _QUEUE.c.submitted_s, _QUEUE.c.run_id)
            .limit(limit)
            .offset(offset)
        )
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
    values: dict[str, Any] = dict(row)
    values["state"] = EntryState(row["state"])
    values["resources"] = tuple(row["resources"])
    return QueueEntry(**values)
