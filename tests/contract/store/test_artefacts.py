"""Files of runs: where they are, how long they stay, raw output."""

from __future__ import annotations

import gzip

import pytest
import sqlalchemy as sa
from contract.store.store_values import a_plan, a_run, a_summary, a_trial, measured_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storperf.engine.live_feed import FEED_FILE
from storperf.errors import Conflict, StoreError, UnknownName, UsageError
from storperf.model.run import RunState
from storperf.store import schema
from storperf.store.raw import keep_raw
from storperf.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results") as store:
        yield store


def fill(store, run_id, size=100):
    """Give a run `size` bytes in each part that pruning removes, and a report beside them."""
    for path in (
        store.intervals_path(run_id, "t", 1),
        store.raw_folder(run_id) / "a" / "fio.json.gz",
        store.journals_folder(run_id) / "agent-01",
        store.artefacts(run_id) / "report.md",
    ):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)


def kept(store, run_id):
    return sorted(p.name for p in store.artefacts(run_id).rglob("*") if p.is_file())


def test_the_folders_of_a_run_are_for_this_user_alone(store):
    fill(store, "r")
    folders = [store.artefacts("r"), store.artefacts("r").parent]
    folders += [store.raw_folder("r"), store.journals_folder("r")]
    folders += [store.intervals_path("r", "t", 1).parent]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert store.artefacts("r") == store.root / "runs" / "r"


@pytest.mark.parametrize("run_id", ["..", "../x", "a/b", "", ".hidden", "a\0b", "-rf", "a b"])
def test_a_name_that_is_no_run_id_gets_no_folder(store, run_id):
    with pytest.raises(UnknownName, match="is not the id of a run"):
        store.artefacts(run_id)


@pytest.mark.parametrize("trial", ["../../x", "a/b", "..", "; rm -rf", "\N{SNOWMAN}", "a\0b"])
def test_a_trial_of_any_name_has_its_file_in_the_folder_of_its_run(store, trial):
    path = store.intervals_path("r", trial, 2)
    path.write_bytes(b"")
    assert path.resolve().parent == store.artefacts("r") / "intervals"


def test_trials_of_different_names_have_different_files(store):
    names = [("a/b", 1), ("a%2Fb", 1), ("a", 1), ("a.1", 1), ("a", 11)]
    assert len({store.intervals_path("r", *name) for name in names}) == len(names)


def test_a_results_folder_that_cannot_take_a_run_is_told(store):
    (store.root / "runs").write_text("")
    with pytest.raises(StoreError, match="cannot make the run's folder"):
        store.artefacts("r")


def test_pruning_by_age_takes_old_runs_only_and_leaves_reports_and_rows(store):
    for run_id, ended_s in (("old", 10.0), ("new", 90.0)):
        measured_run(store, 1.0, ended_s=ended_s, run_id=run_id)
        fill(store, run_id)
    report = store.prune(older_than_s=50.0, now_s=100.0)
    assert [(run.run, run.size_bytes) for run in report.runs] == [("old", 300)]
    assert report.kept_bytes == 300
    assert kept(store, "old") == ["report.md"]
    assert len(kept(store, "new")) == 4
    assert len(store.summaries("old")) == 1


def test_the_age_is_a_limit_that_may_be_reached(store):
    measured_run(store, 1.0, ended_s=50.0, run_id="r")
    fill(store, "r")
    assert store.prune(older_than_s=50.0, now_s=100.0).runs == ()
    assert len(store.prune(older_than_s=49.9, now_s=100.0).runs) == 1


def test_what_was_written_for_those_who_looked_on_is_pruned_too(store):
    measured_run(store, 1.0, ended_s=10.0, run_id="r")
    (store.artefacts("r") / FEED_FILE).write_bytes(b"x" * 100)
    report = store.prune(older_than_s=1.0, now_s=100.0)
    assert [run.size_bytes for run in report.runs] == [100]
    assert list(store.artefacts("r").iterdir()) == []


def test_pruning_by_size_takes_the_oldest_until_the_rest_fits(store):
    for run_id, ended_s in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
        measured_run(store, 1.0, ended_s=ended_s, run_id=run_id)
        fill(store, run_id)
    report = store.prune(max_bytes=600, now_s=100.0)
    assert [run.run for run in report.runs] == ["a"]
    report = store.prune(max_bytes=599, now_s=100.0)
    assert [run.run for run in report.runs] == ["b"]
    assert report.kept_bytes == 300


def test_a_running_run_is_never_pruned_though_its_bytes_count(store):
    store.create_run(a_run("running", created_s=1.0), a_plan())
    measured_run(store, 1.0, ended_s=50.0, run_id="ended")
    for run_id in ("running", "ended"):
        fill(store, run_id)
    report = store.prune(older_than_s=0.0, max_bytes=0, now_s=1e9)
    assert [run.run for run in report.runs] == ["ended"]
    assert report.kept_bytes == 300
    assert len(kept(store, "running")) == 4


def test_a_folder_that_no_run_owns_is_not_touched(store):
    fill(store, "stranger")
    assert store.prune(older_than_s=0.0, max_bytes=0, now_s=1e9).runs == ()
    assert len(kept(store, "stranger")) == 4


def test_pruning_is_told_once_in_the_run(store):
    measured_run(store, 1.0, ended_s=10.0, run_id="r")
    fill(store, "r")
    for now_s in (100.0, 200.0):
        store.prune(older_than_s=1.0, now_s=now_s)
    assert store.get_run("r").facts["pruned_at_s"] == 100.0
    (event,) = store.events("r")
    assert (event.kind, event.at_s, event.facts) == ("pruned", 100.0, {"size_bytes": 300})


def test_a_dry_run_says_the_same_and_does_nothing(store):
    measured_run(store, 1.0, ended_s=10.0, run_id="r")
    fill(store, "r")
    dry = store.prune(older_than_s=1.0, now_s=100.0, dry_run=True)
    assert len(kept(store, "r")) == 4
    assert store.events("r") == ()
    assert "pruned_at_s" not in store.get_run("r").facts
    wet = store.prune(older_than_s=1.0, now_s=100.0)
    assert (dry.runs, dry.kept_bytes) == (wet.runs, wet.kept_bytes)
    assert (dry.dry_run, wet.dry_run) == (True, False)


def test_pruning_without_a_limit_is_refused(store):
    with pytest.raises(UsageError, match="an age, a size, or both"):
        store.prune(now_s=1.0)


def test_a_link_out_of_the_folder_is_removed_and_what_it_names_stays(store, tmp_path):
    measured_run(store, 1.0, ended_s=10.0, run_id="r")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    (store.raw_folder("r") / "link").symlink_to(tmp_path / "precious")
    store.prune(older_than_s=1.0, now_s=100.0)
    assert not store.raw_folder("r").joinpath("link").is_symlink()
    assert (tmp_path / "precious" / "file").read_text() == "mine"


def test_a_deleted_run_leaves_nothing(store):
    run = measured_run(store, 1.0, ended_s=10.0)
    fill(store, run)
    store.add_event(run, 1.0, "kind", "text")
    store.delete_run(run)
    with pytest.raises(UnknownName):
        store.get_run(run)
    assert list((store.root / "runs").iterdir()) == []
    assert store.baseline_entries("pod9", "nightly") == ()
    with store._database.read() as connection:
        for table in ("steps", "trials", "summaries", "events", "baseline"):
            rows = sa.select(sa.func.count()).select_from(schema.metadata.tables[table])
            assert connection.scalar(rows) == 0


def test_a_running_run_cannot_be_deleted(store):
    store.create_run(a_run("r", state=RunState.RUNNING), a_plan())
    store.store_trial("r", a_trial(), [a_summary(1.0)])
    fill(store, "r")
    with pytest.raises(Conflict, match="has not ended"):
        store.delete_run("r")
    assert len(kept(store, "r")) == 4
    assert len(store.summaries("r")) == 1


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=1000), st.integers(1, 3000))
def test_raw_output_comes_back_byte_for_byte_and_the_source_stays(tmp_path, seed, times):
    source, dest = tmp_path / "fio.json", tmp_path / "fio.json.gz"
    source.write_bytes(seed * times)
    keep_raw(source, dest)
    assert gzip.decompress(dest.read_bytes()) == source.read_bytes() == seed * times


def test_the_same_raw_output_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
        keep_raw(tmp_path / name, tmp_path / f"{name}.gz")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_raw_output_that_is_missing_is_told_and_leaves_what_was_there(tmp_path):
    dest = tmp_path / "x.gz"
    dest.write_bytes(b"before")
    with pytest.raises(StoreError, match=f"cannot read at {tmp_path}/no: No such file"):
        keep_raw(tmp_path / "no", dest)
    assert dest.read_bytes() == b"before"


def test_raw_output_that_is_a_folder_is_told(tmp_path):
    with pytest.raises(StoreError, match="cannot read"):
        keep_raw(tmp_path, tmp_path / "x.gz")
    assert list(tmp_path.iterdir()) == []
