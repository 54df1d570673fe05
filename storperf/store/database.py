"""One database, SQLite or PostgreSQL, with transactions that say what they are for."""

from __future__ import annotations

import importlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from storperf.errors import StoreError, UsageError
from storperf.store import migrate
from storperf.store.faults import database_faults, file_faults

log = logging.getLogger(__name__)

# How long a writer waits for another; a transaction of ours takes milliseconds.
BUSY_TIMEOUT_S = 10.0
_WRITES = "storperf_writes"


class Database:
    """Transactions on an engine; several threads may share it, a forked child may not."""

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{_WRITES: True})
        self.place = place

    @classmethod
    def open(cls, root: Path, url: str | None, busy_timeout_s: float) -> Database:
        """The database at `url`, or `root/storperf.sqlite3`; its tables are brought up to date."""
        database = cls._sqlite(root, busy_timeout_s) if url is None else cls._by_url(url)
        try:
            with database.read() as connection:
                revision = migrate.revision_of(connection, database.place)
            if not migrate.is_at_head(revision, database.place):
                with database.write() as connection:
                    migrate.bring_to_head(connection, database.place)
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def _sqlite(cls, root: Path, busy_timeout_s: float) -> Database:
        path = root / "storperf.sqlite3"
        with file_faults("make the results folder", root):
            root.mkdir(parents=True, exist_ok=True)
        for each in (root, path):
            if each.exists() and not os.access(each, os.W_OK):
                raise StoreError(
                    f"you may not write to {each}; look at its rights, "
                    "or name another results folder",
                    path=str(each),
                )
        url = sa.URL.create("sqlite", database=str(path))
        engine = sa.create_engine(
            url, connect_args={"timeout": busy_timeout_s}, hide_parameters=True
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return cls(engine, str(path))

    @classmethod
    def _by_url(cls, url: str) -> Database:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError as fault:
            # The text may hold a password, so it is not repeated.
            raise UsageError("the store's URL is not one; write postgresql://...") from fault
        if parsed.get_backend_name() != "postgresql":
            raise UsageError(
                f"the store's URL begins with {parsed.drivername}://; only postgresql:// is "
                "known (SQLite needs no URL: it lives in the results folder)"
            )
        place = parsed.render_as_string(hide_password=True)
        try:
            engine = sa.create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                pool_pre_ping=True,
            )
        except ModuleNotFoundError as fault:
            raise StoreError(
                f"the store {place} needs psycopg; install storperf[postgresql]", place=place
            ) from fault
        return cls(engine, place)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads; on SQLite no writer has to wait for it."""
        with database_faults(self.place), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that may write; it is all there when the block ends, or nothing is."""
        with database_faults(self.place), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give every connection back; a second call does nothing."""
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # We begin transactions ourselves: sqlite3's own habit never says IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # FULL: what was committed is there after a power cut too.  The ledger lists what would
    # otherwise leak, and a commit costs one fsync of the log, a few a trial.
    cursor.execute("PRAGMA synchronous = FULL")
    # A file system that refuses, or another program in the very act, leaves the mode as it
    # was; every mode is safe, WAL only lets readers and a writer work at once.
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as fault:
        log.info("the store keeps its journal mode: %s", fault)
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # IMMEDIATE takes the writer's place at once, waiting for it; a transaction that reads
    # first and writes later would be refused without waiting (sqlite.org/lang_transaction.html).
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_new(
    connection: sa.Connection, table: sa.Table, row: Mapping[str, object], *unique: str
) -> bool:
    """Insert a row unless its values in the columns `unique` are there; whether it was inserted.

    On PostgreSQL two transactions may try the same at once: the second waits for the first.
    """
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=unique)
    # PostgreSQL's driver says of a row count here that it is unknown.
    inserted = statement.values(dict(row)).returning(*table.primary_key)
    return connection.execute(inserted).first() is not None


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]
) -> None:
    """Insert rows; where the primary key is there, put the new values in its place."""
    if not rows:
        return
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    rest = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_=rest), [dict(r) for r in rows]
    )


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    # The dialect that is used is there; the other one would be two MiB for nothing.
    return importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)
