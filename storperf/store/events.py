"""What happened in a run worth telling, and what of ours is out there because of it."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from storperf.errors import UnknownName
from storperf.model.run import Event, LedgerEntry
from storperf.store import schema
from storperf.store.database import Database, upsert
from storperf.store.runs import require_run

_EVENTS = schema.events
_LEDGER = schema.ledger


class EventRows:
    """The part of Store that knows events and the ledger."""

    _database: Database

    def add_event(
        self,
        run_id: str,
        at_s: float,
        kind: str,
        text: str,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Store one event of the run."""
        with self._database.write() as connection:
            require_run(connection, run_id)
            insert_event(
                connection, run_id, Event(at_s=at_s, kind=kind, text=text, facts=dict(facts or {}))
            )

    def events(self, run_id: str) -> tuple[Event, ...]:
        """The run's events in the order they were stored."""
        with self._database.read() as connection:
            require_run(connection, run_id)
            rows = connection.execute(
                sa.select(_EVENTS).where(_EVENTS.c.run_id == run_id).order_by(_EVENTS.c.number)
            )
            return tuple(
                Event(at_s=row.at_s, kind=row.kind, text=row.text, facts=row.facts) for row in rows
            )

    def ledger_add(self, run_id: str, entry: LedgerEntry) -> None:
        """Write down something of ours before it is created; again is the same as once.

        A name that was released and is added again counts as out there again.
        """
        with self._database.write() as connection:
            require_run(connection, run_id)
            of_run = _LEDGER.c.run_id == run_id
            position = connection.scalar(
                sa.select(_LEDGER.c.position).where(of_run, _LEDGER.c.name == entry.name)
            )
            if position is None:
                position = connection.scalar(sa.select(sa.func.count()).where(of_run))
            row = {
                "run_id": run_id,
                "name": entry.name,
                "kind": entry.kind,
                "where": entry.where,
                "released": entry.released,
                "position": position,
            }
            upsert(connection, _LEDGER, [row])

    def ledger_release(self, run_id: str, name: str) -> None:
        """Note that the thing is gone; again is the same as once, an unknown name is refused."""
        with self._database.write() as connection:
            require_run(connection, run_id)
            changed = connection.execute(
                sa.update(_LEDGER)
                .where(_LEDGER.c.run_id == run_id, _LEDGER.c.name == name)
                .values(released=True)
            )
            if changed.rowcount == 0:
                names = connection.scalars(
                    sa.select(_LEDGER.c.name).where(_LEDGER.c.run_id == run_id)
                )
                known = ", ".join(names) or "nothing"
                raise UnknownName(f"the ledger of run {run_id} holds {known}, not {name!r}")

    def ledger(self, run_id: str) -> tuple[LedgerEntry, ...]:
        """Everything the run ever wrote down, in that order, released or not."""
        with self._database.read() as connection:
            require_run(connection, run_id)
            rows = connection.execute(
                sa.select(_LEDGER).where(_LEDGER.c.run_id == run_id).order_by(_LEDGER.c.position)
            )
            return tuple(
                LedgerEntry(name=row.name, kind=row.kind, where=row.where, released=row.released)
                for row in rows
            )


def insert_event(connection: sa.Connection, run_id: str, event: Event) -> None:
    """Store an event inside the caller's transaction."""
    connection.execute(
        sa.insert(_EVENTS),
        {
            "run_id": run_id,
            "at_s": event.at_s,
            "kind": event.kind,
            "text": event.text,
            "facts": event.facts,
        },
    )
