"""Lists, histories and comparisons read what they show, however many runs there are."""

from __future__ import annotations

import itertools

import pytest
import sqlalchemy as sa
from contract.store.store_values import a_key, a_plan, a_run

from storperf.errors import UsageError
from storperf.model.listing import RunOrder, RunSearch
from storperf.model.run import RunState
from storperf.store.pages import Part, read_page
from storperf.store.schema import metadata
from storperf.store.store import Store

CONDITIONS = {
    "job": "nightly",
    "lab": "pod9",
    "state": RunState.COMPLETED,
    "verdict": "pass",
    "from_s": 1.0,
    "until_s": 2.0e9,
}


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path) as store:
        for _ in range(3):
            store.create_run(a_run(), a_plan())
        yield store


def plans(store, act):
    """SQLite's plan of each statement that reads, by its text."""
    asked = []
    engine = store._database._engine

    def note(_connection, _cursor, statement, parameters, _context, _many):
        if statement.startswith(("SELECT", "WITH")):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        return {
            statement: [
                row[3]
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]
            for statement, parameters in asked
        }


def reads_all(plan):
    """The steps that read a table whole, or sort all that was found to show some."""
    return [
        step
        for step in plan
        if (step.startswith("SCAN") and "USING" not in step and "anon" not in step)
        or step == "USE TEMP B-TREE FOR ORDER BY"
    ]


@pytest.mark.parametrize("order", list(RunOrder))
@pytest.mark.parametrize("is_descending", [False, True])
def test_no_page_of_runs_reads_or_sorts_all_runs(store, order, is_descending):
    wanted = RunSearch(order=order, is_descending=is_descending, limit=1)
    behind = store.search_runs(wanted).next
    for after in (None, behind):
        found = plans(
            store,
            lambda after=after: store.search_runs(
                RunSearch(order=order, is_descending=is_descending, limit=1, after=after)
            ),
        )
        assert found
        assert [reads_all(plan) for plan in found.values()] == [[]] * len(found)


@pytest.mark.parametrize(
    "names", [*itertools.combinations(CONDITIONS, 1), *itertools.combinations(CONDITIONS, 2)]
)
def test_no_page_of_runs_that_fit_reads_all_runs(store, names):
    wanted = RunSearch(**{name: CONDITIONS[name] for name in names})
    found = plans(store, lambda: store.search_runs(wanted))
    assert [reads_all(plan) for plan in found.values()] == [[]]


def test_no_page_of_the_queue_reads_all_that_has_ended(store):
    found = plans(store, lambda: store.queue_page(limit=5, every=True))
    assert len(found) == 2  # what runs and what waits is asked for in the same words
    of_ended = [plan for text, plan in found.items() if "NOT IN" in text]
    assert [reads_all(plan) for plan in of_ended] == [[]]
    for plan in found.values():
        assert not any(step == "SCAN queue" for step in plan)


def test_a_history_reads_its_own_job_alone(store):
    def ask():
        store.job_stamp("nightly", None)
        runs = store.find_runs(job="nightly", limit=5)
        store.measured_runs([run.id for run in runs], ["iops"])
        store.baseline_values(a_key(), runs=5)

    for text, plan in plans(store, ask).items():
        whole = {f"SCAN {table}" for table in metadata.tables}
        assert whole.isdisjoint(plan), text


def test_a_part_without_its_cursor_begins_at_its_first_row(store):
    runs = store._database
    keys = (sa.literal_column("created_s", sa.Double), sa.literal_column("id", sa.Text))
    found = sa.select(sa.literal_column("id").label("name")).select_from(sa.text("runs"))
    with runs.read() as connection:
        rows, behind = read_page(connection, found, [Part(keys=keys)], limit=2, after=None)
        rest, end = read_page(connection, found, [Part(keys=keys)], limit=2, after=behind)
        assert [len(rows), len(rest), end] == [2, 1, None]
        with pytest.raises(UsageError, match="`next`"):
            read_page(connection, found, [Part(keys=keys[:1])], limit=2, after=behind)
