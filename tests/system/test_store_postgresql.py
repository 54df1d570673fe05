"""PostgreSQL keeps the store's contract too; a server of our own, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from contract.store.service_contract import ServiceContract
from contract.store.store_contract import StoreContract
from contract.store.store_values import a_plan, a_run

from storperf.errors import StoreError
from storperf.store import schema
from storperf.store.store import Store

pytestmark = pytest.mark.all_only

TOOLS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))


class Server:
    """A PostgreSQL on a Unix socket in its own folder; root's tests run it as `postgres`."""

    def __init__(self, folder):
        self.folder = folder
        self.who = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        if self.who:
            shutil.chown(folder, "postgres", "postgres")

    def tool(self, name, *arguments):
        subprocess.run(
            [TOOLS[-1] / name, *arguments],
            cwd=self.folder,
            capture_output=True,
            check=True,
            timeout=120,
            **self.who,
        )

    def __enter__(self):
        self.tool("initdb", "-D", "db", "-U", "storperf", "-A", "trust", "--no-sync", "-E", "UTF8")
        options = f"-k {self.folder} -c listen_addresses="
        self.tool("pg_ctl", "-D", "db", "-l", "log", "-w", "-o", options, "start")
        return self

    def __exit__(self, *_fault):
        self.tool("pg_ctl", "-D", "db", "-m", "immediate", "-w", "stop")

    def database(self, name):
        """The URL of a new and empty database."""
        self.tool("createdb", "-h", str(self.folder), "-U", "storperf", name)
        return f"postgresql://storperf:hunter2@/{name}?host={self.folder}"


@pytest.fixture(scope="module")
def server():
    if not TOOLS:
        pytest.skip("no PostgreSQL in /usr/lib/postgresql")
    pytest.importorskip("psycopg")
    # A socket's path may be 107 bytes long, and another user must be able to enter: not tmp_path.
    folder = Path(tempfile.mkdtemp(prefix="storperf-pg-"))
    try:
        with Server(folder) as running:
            yield running
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def url(server, request):
    name = f"t{abs(hash(request.node.nodeid)):x}"
    return server.database(name)


class TestPostgresql(StoreContract, ServiceContract):
    @pytest.fixture
    def store(self, url, tmp_path):
        with Store.open(tmp_path, url) as store:
            yield store


def test_migrations_make_the_tables_of_the_schema(url, tmp_path):
    with Store.open(tmp_path, url) as store, store._database.read() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []


def test_artefacts_stay_in_the_results_folder(url, tmp_path):
    with Store.open(tmp_path, url) as store:
        assert store.artefacts("r") == tmp_path / "runs" / "r"
    assert not (tmp_path / "storperf.sqlite3").exists()


def test_a_newer_schema_is_refused_without_the_password(url, tmp_path):
    with Store.open(tmp_path, url) as store, store._database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="written by a newer storperf") as at:
        Store.open(tmp_path, url)
    assert "hunter2" not in str(at.value)
    assert "storperf:***@" in str(at.value)


def test_a_server_that_is_not_there_is_a_store_error_without_the_password(tmp_path):
    with pytest.raises(StoreError, match="No such file") as at:
        Store.open(tmp_path, f"postgresql://u:hunter2@/d?host={tmp_path}")
    assert "hunter2" not in str(at.value)


OPEN = """
import sys
from pathlib import Path
from contract.store.store_values import a_plan, a_run
from storperf.store.store import Store
with Store.open(Path(sys.argv[1]), sys.argv[2]) as store:
    for number in range(20):
        store.create_run(a_run(f"{sys.argv[3]}.{number}"), a_plan())
"""


def test_two_processes_on_one_new_database_both_succeed(url, tmp_path):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, str(tmp_path), url, name],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for name in "ab"
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    with Store.open(tmp_path, url) as store:
        assert len(store.find_runs(limit=None)) == 40
        store.create_run(a_run("r"), a_plan())
