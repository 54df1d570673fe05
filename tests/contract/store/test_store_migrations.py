"""Migrations, schema and HEAD say the same, and none is run without need."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import storperf.store
from storperf.store import migrate, schema
from storperf.store.store import Store

OLD_STORE = Path(__file__).parents[2] / "fixtures/store-0001/results"
MIGRATIONS = Path(storperf.store.__file__).with_name("migrations")


def test_head_is_the_last_migration():
    scripts = ScriptDirectory.from_config(_config())
    assert scripts.get_heads() == [schema.HEAD]
    revisions = sorted(script.revision for script in scripts.walk_revisions())
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


@pytest.fixture
def migrated():
    """A database that the migrations made, all of them."""
    with sa.create_engine("sqlite://").begin() as connection:
        migrate.upgrade(connection)
        yield connection


def test_migrations_make_the_tables_of_the_schema(migrated):
    context = MigrationContext.configure(migrated, opts={"compare_server_default": True})
    assert compare_metadata(context, schema.metadata) == []


def test_an_empty_store_gets_what_the_migrations_make(tmp_path, migrated):
    with Store.open(tmp_path) as store, store._database.read() as connection:
        assert _columns_of(connection) == _columns_of(migrated)
        assert migrate.revision_of(connection, "here") == schema.HEAD
        migrate.upgrade(connection)  # finds its mark, and nothing to do


def _columns_of(connection):
    """Table by table: names, kinds and rules of the columns, keys and indices."""
    inspector = sa.inspect(connection)
    return {
        table: {
            "columns": sorted(
                (each["name"], str(each["type"]), each["nullable"], str(each["default"]))
                for each in inspector.get_columns(table)
            ),
            "primary": inspector.get_pk_constraint(table),
            "foreign": sorted(map(str, inspector.get_foreign_keys(table))),
            "indices": sorted(map(str, inspector.get_indexes(table))),
        }
        for table in inspector.get_table_names()
    }


def _config():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def test_keys_of_requests_move_out_of_the_facts_and_of_twins_the_first_has_it():
    with sa.create_engine("sqlite://").begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        old = sa.Table("queue", sa.MetaData(), autoload_with=connection)
        facts = {"a": '{"once":"k","graphite":true}', "b": '{"once":"k"}', "c": '{"x":"once"}'}
        values = {"resources": "[]", "priority": 0, "submitted_s": 1.0, "state": "queued"}
        names = dict.fromkeys(("job_name", "lab", "job_text", "submitted_by"), "x")
        for run, text in facts.items():
            connection.execute(sa.insert(old).values(run_id=run, facts=text, **values, **names))
        command.upgrade(config, "0007")
        rows = connection.execute(sa.text("SELECT run_id, once, facts FROM queue ORDER BY run_id"))
        assert rows.all() == [
            ("a", "k", '{"graphite":true}'),
            ("b", None, "{}"),
            ("c", None, '{"x":"once"}'),
        ]


OPEN = """
import sys
from pathlib import Path
from storperf.store.store import Store
Store.open(Path(sys.argv[1])).close()
print("alembic" in sys.modules)
"""


def test_alembic_is_imported_only_for_a_store_of_an_earlier_version(tmp_path):
    old = tmp_path / "old"
    shutil.copytree(OLD_STORE, old)
    program = [sys.executable, "-c", OPEN]
    said = [
        subprocess.run(
            [*program, str(root)], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        for root in (tmp_path / "new", tmp_path / "new", old, old)
    ]
    assert said == ["False\n", "False\n", "True\n", "False\n"]


def test_an_up_to_date_store_opens_within_50_ms(tmp_path):
    Store.open(tmp_path).close()
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        Store.open(tmp_path).close()
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05
