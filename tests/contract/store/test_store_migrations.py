"""Migrations, schema and HEAD say the same, and none is run without need."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import storperf.store
from storperf.store import schema
from storperf.store.store import Store

MIGRATIONS = Path(storperf.store.__file__).with_name("migrations")


def test_head_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [schema.HEAD]
    revisions = sorted(script.revision for script in scripts.walk_revisions())
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_migrations_make_the_tables_of_the_schema(tmp_path):
    with Store.open(tmp_path) as store, store._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, schema.metadata) == []


OPEN = """
import sys
from pathlib import Path
from storperf.store.store import Store
Store.open(Path(sys.argv[1])).close()
print("alembic" in sys.modules)
"""


def test_alembic_is_imported_only_when_tables_are_to_be_made(tmp_path):
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert said == ["True\n", "False\n"]


def test_an_up_to_date_store_opens_within_50_ms(tmp_path):
    Store.open(tmp_path).close()
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        Store.open(tmp_path).close()
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.05
