"""A results folder of an earlier schema: opened, brought up to date, and nothing of it lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storperf.store.intervals import read_intervals
from storperf.store.schema import HEAD

OLD = Path(__file__).parents[1] / "fixtures/store-0001/results"
PASSED, FOLLOWED, FAILED = "20261122-072828-21ed", "20261122-072834-f93c", "20261122-072841-4a89"
TRIALS_A_RUN = 2


def in_database(folder, statement):
    with closing(sqlite3.connect(folder / "storperf.sqlite3")) as connection:
        return connection.execute(statement).fetchall()


def row_counts(folder):
    """How many rows each table holds but Alembic's own."""
    names = in_database(folder, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        name: in_database(folder, f'SELECT count(*) FROM "{name}"')  # noqa: S608 - a table of ours
        for (name,) in names
        if name not in {"alembic_version", "sqlite_sequence"}
    }


def revision(folder):
    return in_database(folder, "SELECT version_num FROM alembic_version")


def lost(old, new, where="$"):
    """What the old document says and the new one does not, by path; more is no loss."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            each
            for key in old
            for each in ([f"{where}.{key}"] if key not in new else [])
            + (lost(old[key], new[key], f"{where}.{key}") if key in new else [])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [each for at, pair in pairs for each in lost(*pair, f"{where}[{at}]")]
    return [] if old == new else [f"{where}: {old!r} became {new!r}"]


@pytest.fixture(scope="module")
def program(tmp_path_factory, make_program):
    """A program whose results folder is a copy of the old one."""
    program = make_program(tmp_path_factory.mktemp("old"))
    shutil.copytree(OLD, program.results)
    return program


def test_it_is_of_the_schema_that_its_name_says():
    assert revision(OLD) == [("0001",)]


def test_the_first_command_brings_it_to_the_schema_of_today(program):
    listed = program("list", "--json")
    assert (listed.exit_code, listed.stderr) == (0, "")
    assert [run["id"] for run in listed.json["runs"]] == [FAILED, FOLLOWED, PASSED]
    assert [run["title"] for run in listed.json["runs"]] == [None, None, "the first: Süd"]
    assert revision(program.results) == [(HEAD,)]
    before, after = row_counts(OLD), row_counts(program.results)
    assert before["runs"] == [(3,)]
    assert {name: after.get(name) for name in before} == before


@pytest.mark.parametrize("run", [PASSED, FOLLOWED, FAILED])
def test_all_that_was_said_of_a_run_is_still_said(program, run):
    then = json.loads((program.run_folder(run) / "result.json").read_text(encoding="utf-8"))
    shown, exported = program("show", run, "--json"), program("export", run)
    assert (shown.exit_code, exported.exit_code) == (0, 0), shown
    assert lost(then, shown.json) == []
    assert lost(then, exported.json) == []


def test_its_intervals_are_those_that_fio_summed_up(program):
    trials = program("show", FOLLOWED, "--json").trials
    assert len(trials) == TRIALS_A_RUN
    for trial in trials:
        path = program.run_folder(FOLLOWED) / f"intervals/{trial['id']}.1.zip"
        table, _, _ = read_intervals(path)
        [end] = trial["facts"]["ends"]["agent-01"]["targets"]
        assert sum(table.ios) == sum(end["ios"].values()) > 0


@pytest.mark.parametrize("form", ["csv", "yaml", "markdown", "junit"])
def test_it_is_exported_in_every_form(program, form):
    exported = program("export", FOLLOWED, "--format", form)
    assert exported.exit_code == 0, exported
    assert "rr-bs4k-qd1-nj1-a1" in exported.stdout


def test_its_report_is_made_again(program):
    made = program("report", FAILED)
    assert made.exit_code == 0, made
    page = (program.run_folder(FAILED) / "report.html").read_text(encoding="utf-8")
    assert FAILED in page
    assert "mix-bs4k-qd1-nj1-a1" in page


def test_its_runs_are_compared(program):
    compared = program("compare", PASSED, FOLLOWED, "--json")
    assert compared.exit_code == 0, compared
    assert {check["reason"] for check in compared.json["comparison"]["checks"]} == {"not_worse"}


def test_its_history_and_its_baseline_are_there(program):
    found = program("history", "nightly", "--lab", "pod9", "--json")
    assert found.exit_code == 0, found
    text = json.dumps(found.json)
    assert all(run in text for run in (PASSED, FOLLOWED, FAILED))
    entries = program("baseline", "show", "nightly", "--lab", "pod9", "--json").json["entries"]
    assert {entry["run"] for entry in entries} == {PASSED, FOLLOWED}


def test_it_takes_a_new_run(storperf):
    shutil.copytree(OLD, storperf.results)
    ended = storperf.run_job(provider=storperf.lying_fio())
    assert ended.exit_code == 0, ended
    runs = storperf("list", "--json").json["runs"]
    assert [run["id"] for run in runs[1:]] == [FAILED, FOLLOWED, PASSED]
    storperf.assert_nothing_left()


def test_what_is_lost_is_seen():
    then = {"a": [{"b": 1, "c": None}], "d": 1.5}
    assert lost(then, {"a": [{"b": 1, "c": None, "e": 2}], "d": 1.5, "f": []}) == []
    assert lost(then, {"a": [{"b": 2, "c": None}], "d": 1.5}) == ["$.a[0].b: 1 became 2"]
    assert lost(then, {"a": [{"b": 1}], "d": 1.5}) == ["$.a[0].c"]
    assert lost(then, {"a": [], "d": 1.5})
