"""What the store says when it cannot be read or written."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from contract.store.store_values import a_plan, a_run, a_summary, a_trial

from storperf.errors import ExitCode, StoreError, UsageError
from storperf.store import schema
from storperf.store.store import Store


def database_of(root):
    return root / "storperf.sqlite3"


def as_another_user(act):
    """The text that `act` returns when it is run without root's rights, in a child."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            said = act()
        except BaseException as fault:  # noqa: BLE001 - must never return into pytest
            said = f"{type(fault).__name__}: {fault}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def shared_folder():
    """A folder that other users can enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_store_error_is_infrastructure():
    assert StoreError.exit_code is ExitCode.INFRASTRUCTURE


def test_a_results_folder_that_is_a_file_is_refused(tmp_path):
    root = tmp_path / "results"
    root.write_text("mine")
    with pytest.raises(
        StoreError, match=r"results: File exists.*name another results folder"
    ) as at:
        Store.open(root)
    assert isinstance(at.value.__cause__, OSError)
    assert root.read_text() == "mine"


def test_a_results_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="a file, not a folder"):
        Store.open(tmp_path / "file" / "results")


def test_a_results_folder_that_may_not_be_made_is_refused(shared_folder):
    shared_folder.chmod(0o555)
    said = as_another_user(lambda: str(Store.open(shared_folder / "results")))
    shared_folder.chmod(0o755)
    assert said.startswith("StoreError: cannot make the results folder")
    assert "you may not write there" in said


def test_a_results_folder_that_may_not_be_written_is_refused(shared_folder):
    root = shared_folder / "results"
    Store.open(root).close()
    root.chmod(0o555)
    said = as_another_user(lambda: str(Store.open(root)))
    root.chmod(0o755)
    assert said.startswith(f"StoreError: you may not write to {root}; look at its rights")


def test_a_database_that_may_not_be_written_is_refused(shared_folder):
    root = shared_folder / "results"
    Store.open(root).close()
    root.chmod(0o777)
    database_of(root).chmod(0o444)
    said = as_another_user(lambda: str(Store.open(root)))
    assert said.startswith(f"StoreError: you may not write to {database_of(root)}")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    database_of(tmp_path).write_bytes(b"my diary\n" * 1000)
    with pytest.raises(StoreError, match=r"not a database; this file is not SQLite") as at:
        Store.open(tmp_path)
    assert at.value.__cause__ is not None
    assert database_of(tmp_path).read_bytes() == b"my diary\n" * 1000


def test_a_damaged_database_is_refused_with_a_way_out(tmp_path):
    with Store.open(tmp_path) as store:
        for _ in range(30):
            store.create_run(a_run(), a_plan(repeats=20))
    content = bytearray(database_of(tmp_path).read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    database_of(tmp_path).write_bytes(content)
    with (
        pytest.raises(StoreError, match=r"malformed; the file is damaged: move it aside"),
        Store.open(tmp_path) as store,
    ):
        store.find_runs()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    Store.open(tmp_path).close()
    with sqlite3.connect(database_of(tmp_path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = database_of(tmp_path).read_bytes()
    with pytest.raises(StoreError, match=r"written by a newer storperf \(schema 9999"):
        Store.open(tmp_path)
    assert database_of(tmp_path).read_bytes() == before


def test_a_schema_that_storperf_never_wrote_is_refused(tmp_path):
    Store.open(tmp_path).close()
    with sqlite3.connect(database_of(tmp_path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abc123'")
    connection.close()
    with pytest.raises(StoreError, match="'abc123' that storperf never wrote"):
        Store.open(tmp_path)


def test_tables_of_another_program_are_refused(tmp_path):
    with sqlite3.connect(database_of(tmp_path)) as connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"tables that storperf did not make \(cats"):
        Store.open(tmp_path)


def test_a_database_held_by_another_program_is_refused_after_the_wait(tmp_path):
    with Store.open(tmp_path, busy_timeout_s=0.2) as store:
        holder = sqlite3.connect(database_of(tmp_path), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"database is locked; another program kept it"):
            store.create_run(a_run(), a_plan())
        assert store.find_runs() == (), "reading goes on while another writes"
        holder.close()
        store.create_run(a_run(), a_plan())


def test_a_writer_waits_for_another_that_ends_in_time(tmp_path):
    with Store.open(tmp_path) as store:
        holder = sqlite3.connect(
            database_of(tmp_path), isolation_level=None, check_same_thread=False
        )
        holder.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, holder.rollback)
        release.start()
        store.create_run(a_run("r"), a_plan())
        release.join()
        holder.close()
        assert store.get_run("r").id == "r"


def test_a_full_database_refuses_the_whole_transaction_and_takes_the_next(tmp_path):
    with Store.open(tmp_path) as store:
        store.create_run(a_run("r"), a_plan())
        with store._database.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        listen = (
            store._database._engine,
            "begin",
            lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}"),
        )
        sa.event.listen(*listen)
        many = [a_summary(1.0, metric=f"m{number}" + "x" * 99) for number in range(500)]
        with pytest.raises(StoreError, match=r"disk is full; free some space") as at:
            store.store_trial("r", a_trial(), many)
        assert isinstance(at.value.__cause__, sa.exc.DBAPIError)
        assert store.summaries("r") == ()
        store.store_trial("r", a_trial(), many[:1])
        assert len(store.summaries("r")) == 1


FULL = """
import resource, sys
from pathlib import Path
from contract.store.store_values import a_plan, a_run
from storperf.errors import StoreError
from storperf.store.store import Store
root = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with Store.open(root) as store:
        for number in range(10_000):
            store.create_run(a_run(f"{sys.argv[2]}.{number}"), a_plan(repeats=5))
except StoreError as fault:
    print(fault)
"""


@pytest.mark.parametrize("limit", [0, 5000, 300_000])
def test_a_file_system_that_takes_no_more_is_told_and_the_store_stays_readable(tmp_path, limit):
    if limit == 300_000:
        Store.open(tmp_path).close()
    child = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(limit)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stdout.startswith(f"the store {database_of(tmp_path)}: "), child.stderr
    assert "look at its free space" in child.stdout or "free some space" in child.stdout
    with Store.open(tmp_path) as store:
        for run in store.find_runs(limit=None):
            assert len(store.trials(run.id)) == 5
        store.create_run(a_run("later"), a_plan())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_our_own_mistake_is_not_called_the_stores_fault(tmp_path):
    with Store.open(tmp_path) as store:
        store.create_run(a_run("r"), a_plan())
        with pytest.raises(sa.exc.IntegrityError):
            store.save_trial("r", a_trial(step_key="not in the plan"))


def test_an_error_shows_no_values(tmp_path):
    with Store.open(tmp_path, busy_timeout_s=0.0) as store:
        holder = sqlite3.connect(database_of(tmp_path), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as at:
            store.create_run(a_run(job_text="password: hunter2"), a_plan())
        holder.close()
    assert "hunter2" not in str(at.value)
    assert "hunter2" not in str(at.value.__cause__)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("not a url", "is not one"),
        ("mysql://u:hunter2@h/d", "only postgresql:// is known"),
        ("sqlite:///x.db", "SQLite needs no URL"),
    ],
)
def test_a_url_that_is_no_postgresql_is_the_users_fault_and_shows_no_password(tmp_path, url, words):
    with pytest.raises(UsageError, match=words) as at:
        Store.open(tmp_path, url)
    assert "hunter2" not in str(at.value)


def test_a_file_system_without_wal_is_no_hindrance(tmp_path):
    # While another program reads, SQLite refuses the change of mode as some file systems do.
    Store.open(tmp_path).close()
    with sqlite3.connect(database_of(tmp_path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    holder = sqlite3.connect(database_of(tmp_path), isolation_level=None)
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM runs").fetchall()
    with Store.open(tmp_path, busy_timeout_s=0.2) as store:
        with store._database.read() as reader:
            assert reader.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        holder.rollback()
        store.create_run(a_run("r"), a_plan())
        assert store.get_run("r").id == "r"
    holder.close()
    connection.close()


def test_the_settings_that_safety_rests_on_hold_on_every_connection(tmp_path):
    names = ("foreign_keys", "synchronous", "journal_mode", "busy_timeout")
    with (
        Store.open(tmp_path) as store,
        store._database.read() as one,
        store._database.read() as two,
    ):
        for connection in (one, two):
            told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
            assert told == [1, 2, "wal", 10_000]


def test_the_tables_hold_what_the_schema_says(tmp_path):
    with Store.open(tmp_path) as store, store._database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    assert names == {*schema.metadata.tables, "alembic_version"}
