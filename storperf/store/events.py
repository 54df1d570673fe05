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

    def ledger_add(self, run_id: str, *entries: LedgerEntry) -> None:
        """Write down what will be ours before it is created, all or nothing.

        Again is the same as once; a name that was released and is added again counts as out
        there again.
        """
        with self._database.write() as connection:
            require_run(connection, run_id)
            known = _positions(connection, run_id)
            rows = {
                entry.name: {
                    "run_id": run_id,
                    "name": entry.name,
                    "kind": entry.kind,
                    "where": entry.where,
                    "released": entry.released,
                    "position": known.setdefault(entry.name, len(known)),
                }
                for entry in entries
            }
            upsert(connection, _LEDGER, list(rows.values()))

    def ledger_release(self, run_id: str, *names: str) -> None:
        """Note that things are gone; again is the same as once, an unknown name is refused."""
        with self._database.write() as connection:
            require_run(connection, run_id)
            known = _positions(connection, run_id)
            for name in names:
                if name not in known:
                    there = ", ".join(known) or "nothing"
                    raise UnknownName(f"the ledger of run {run_id} holds {there}, not {name!r}")
            connection.execute(
                sa.update(_LEDGER)
                .where(_LEDGER.c.run_id == run_id, _LEDGER.c.name.in_(names))
                .values(released=True)
            )

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


def _positions(connection: sa.Connection, run_id: str) -> dict[str, int]:
    """The names in a run's ledger and their places."""
    rows = connection.execute(
        sa.select(_LEDGER.c.name, _LEDGER.c.position)
        .where(_LEDGER.c.run_id == run_id)
        .order_by(_LEDGER.c.position)
    )
    return {row.name: row.position for row in rows}
