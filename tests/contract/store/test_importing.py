"""Imported results in a store: whole, once, and in the order of their own time."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from storperf import importing
from storperf.imports.imported import plan_of
from storperf.model.run import RunState
from storperf.providers.local import LocalProvider
from storperf.run_results import load_result
from storperf.settings import read_settings
from storperf.store.store import Store

FIXTURES = Path(__file__).parents[2] / "fixtures"
SINGLE = FIXTURES / "fio" / "single-job_randrw70.json"


@pytest.fixture
def importer(tmp_path):
    with Store.open(tmp_path / "results") as store:
        yield importing.Importer(
            store=store,
            provider=LocalProvider(read_settings({"HOME": str(tmp_path)}, tmp_path)),
            job=None,
            lab="here",
            epoch=lambda: 2e9,
            manager={},
        )


def found_in(*paths):
    found, refused = importing.read_files(paths)
    assert not refused
    return found


def test_an_import_that_was_cut_off_is_made_afresh(importer):
    (found,) = found_in(SINGLE)
    half = replace(importer._run(found, "one"), id="20200101-000000-half", state=RunState.RUNNING)
    importer.store.create_run(half, plan_of(found.imported))
    outcome = importer.add(found)
    assert outcome.state == "imported"
    assert [run.id for run in importer.store.find_runs()] == [outcome.run]
    assert load_result(importer.store, outcome.run).verdict is not None


def test_the_time_of_the_file_stands_in_and_is_told_so(importer, tmp_path):
    path = tmp_path / "old.json"
    path.write_bytes((FIXTURES / "fio2" / "fio-parser-sample-result.json").read_bytes())
    os.utime(path, (1.5e9, 1.5e9))
    run = importer.store.get_run(importer.add(*found_in(path)).run)
    assert run.ended_s == 1.5e9
    assert run.created_s == pytest.approx(1.5e9 - 28.54)
    assert run.facts["imported"]["time_from"] == "file"


def test_several_results_of_one_file_are_runs_of_their_own(importer, tmp_path):
    path = tmp_path / "both.json"
    other = FIXTURES / "fio" / "jsonplus_status-interval1_concat.json"
    path.write_bytes(other.read_bytes() + SINGLE.read_bytes())
    outcomes = [importer.add(found) for found in found_in(path)]
    assert [outcome.part for outcome in outcomes] == [2, 1]
    assert {outcome.state for outcome in outcomes} == {"imported"}
    assert len({outcome.run for outcome in outcomes}) == 2
    assert {importer.add(found).state for found in found_in(path)} == {"known"}


def test_a_file_is_read_once_however_often_it_is_named():
    assert len(found_in(SINGLE, SINGLE)) == 1


def test_a_folder_and_a_missing_file_are_refused_beside_a_good_one(tmp_path):
    found, refused = importing.read_files([tmp_path, tmp_path / "gone", SINGLE])
    assert len(found) == 1
    assert [each.reason for each in refused] == ["Is a directory", "No such file or directory"]


def test_the_file_is_kept_as_it_was(importer):
    outcome = importer.add(*found_in(SINGLE))
    kept = importer.store.raw_folder(outcome.run) / "imported.gz"
    assert gzip.decompress(kept.read_bytes()) == SINGLE.read_bytes()
