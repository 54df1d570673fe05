"""Whether the tables are those of this program, and how they become so."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from storperf.errors import StoreError
from storperf.store.schema import HEAD, metadata

# Any number will do as long as every storperf takes the same (pg_advisory_xact_lock).
_POSTGRESQL_LOCK = 0x53746F72


def revision_of(connection: sa.Connection, place: str) -> str | None:
    """The schema's revision; None when the database is empty; StoreError when it is foreign."""
    names = sa.inspect(connection).get_table_names()
    if "alembic_version" in names:
        # No row: a first migration that PostgreSQL or SQLite rolled back leaves no table either.
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if names:
        raise StoreError(
            f"the store {place} holds tables that storperf did not make ({names[0]}, ...); "
            "name another results folder or database",
            place=place,
        )
    return None


def is_at_head(revision: str | None, place: str) -> bool:
    """Whether nothing is to be done; StoreError when the schema is newer than this program."""
    if revision is not None and not revision.isdecimal():
        raise StoreError(
            f"the store {place} has a schema {revision!r} that storperf never wrote; "
            "name another results folder or database",
            place=place,
        )
    if revision is not None and int(revision) > int(HEAD):
        raise StoreError(
            f"the store {place} was written by a newer storperf (schema {revision}, this one "
            f"knows up to {HEAD}); use that version, or name another results folder",
            place=place,
            schema=revision,
            known=HEAD,
        )
    return revision == HEAD


def bring_to_head(connection: sa.Connection, place: str) -> None:
    """Make the tables, or bring them to HEAD, inside the caller's writing transaction.

    Two programs may come here at once: the second waits, and finds nothing to do.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})"))
    revision = revision_of(connection, place)
    if is_at_head(revision, place):
        return
    if revision is None:
        _make(connection)
    else:
        upgrade(connection)


def upgrade(connection: sa.Connection) -> None:
    """Run the migrations up to HEAD; a test says that they make what `_make` does."""
    # Late: Alembic is 8 MiB, and takes ten times as long to import as a store to open.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make(connection: sa.Connection) -> None:
    """The tables of an empty store, and the mark by which Alembic knows them."""
    metadata.create_all(connection)
    mark = sa.Table(
        "alembic_version",
        sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    mark.create(connection)
    connection.execute(mark.insert().values(version_num=HEAD))
