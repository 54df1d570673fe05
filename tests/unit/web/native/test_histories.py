"""Histories: many runs read at once say what each says for itself, and nothing stale is told."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from unit.reports.result_values import measured_of
from unit.web.native.conftest import FIO

from storperf import anchoring, service
from storperf.errors import UnknownName, UsageError
from storperf.histories import RUNS_SHOWN, Histories, Kept
from storperf.reports.history import METRICS_OF_HISTORY, figures_of
from storperf.run_results import load_result
from storperf.web.histories_ahead import histories_ahead, take, write_histories


@pytest.fixture
def store(settings, runs):
    assert runs
    with service.open_store(settings) as store:
        yield store


def test_runs_read_together_have_the_figures_of_their_results(store, runs):
    together = store.measured_runs(runs, METRICS_OF_HISTORY)
    assert set(together) == set(runs)
    for run in runs:
        figures = figures_of(together[run])
        assert figures == figures_of(measured_of(load_result(store, run)))
        assert figures.values


def test_a_history_asked_for_again_is_not_made_again(store):
    histories = Histories(store)
    found = histories.of_job("imported", None, 10)
    assert histories.of_job("imported", None, 10) is found
    assert histories.of_job("imported", "local", 10) == found


class CountingStore:
    """A store that counts what is read; the first reader goes on when all have asked."""

    def __init__(self, store, callers):
        self._store = store
        self._all_asked = threading.Barrier(callers)
        self._has_asked = threading.local()
        self.read = 0

    def __getattr__(self, name):
        return getattr(self._store, name)

    def job_stamp(self, job, lab):
        stamp = self._store.job_stamp(job, lab)
        if not hasattr(self._has_asked, "once"):
            self._has_asked.once = True
            # Nobody knows a history yet, and everybody has seen that.
            self._all_asked.wait(timeout=60)
        return stamp

    def measured_runs(self, run_ids, metrics):
        self.read += 1
        return self._store.measured_runs(run_ids, metrics)


def test_a_history_that_many_ask_for_at_once_is_made_once(store):
    callers = 8
    counting = CountingStore(store, callers)
    histories = Histories(counting)
    with ThreadPoolExecutor(callers) as pool:
        asked = [pool.submit(histories.of_job, "imported", None, 10) for _ in range(callers)]
        found = [each.result(timeout=60) for each in asked]
    assert counting.read == 1
    assert all(each is found[0] for each in found)


def test_a_history_that_could_not_be_made_keeps_no_other_waiting(store, runs):
    histories = Histories(store)
    with pytest.raises(UnknownName):
        histories.of_job("never ran", None, 10)
    assert [run.id for run in histories.of_job("imported", None, 10).runs] == runs


def test_a_run_that_is_gone_is_in_no_history(store, runs):
    histories = Histories(store)
    assert [run.id for run in histories.of_job("imported", None, 10).runs] == runs
    store.delete_run(runs[0])
    assert [run.id for run in histories.of_job("imported", None, 10).runs] == runs[1:]


def test_a_new_anchor_is_in_the_next_history(store, settings, runs):
    histories = Histories(store)
    assert histories.of_job("imported", None, 10).anchors == ()
    anchoring.anchor(settings, runs[-1], None, who="me", why="new disks")
    assert {each.run for each in histories.of_job("imported", None, 10).anchors} == {runs[-1]}


class UnreadStore(CountingStore):
    """A store whose figures nobody may read."""

    def __init__(self, store):
        super().__init__(store, 1)

    def measured_runs(self, run_ids, metrics):
        pytest.fail(f"{metrics} of {run_ids} are read")


def written(settings):
    """What the process that makes histories ahead writes."""
    lines = io.BytesIO()
    write_histories(settings, lines)
    lines.seek(0)
    return lines


@pytest.mark.parametrize("lab", [None, "local"])
def test_what_another_process_made_is_not_made_again(store, settings, lab):
    ahead = Histories(UnreadStore(store))
    take(written(settings), ahead)
    found = ahead.of_job("imported", lab, RUNS_SHOWN)
    assert found == Histories(store).of_job("imported", lab, RUNS_SHOWN)


def test_of_what_was_made_ahead_only_that_limit_and_lab_are_told(store, settings):
    ahead = Histories(store)
    take(written(settings), ahead)
    assert len(ahead.of_job("imported", None, 1).runs) == 1
    with pytest.raises(UnknownName):
        ahead.of_job("imported", "another", RUNS_SHOWN)


def test_a_history_made_ahead_of_a_change_is_made_anew(store, settings, runs):
    lines = written(settings)
    anchoring.anchor(settings, runs[-1], None, who="me", why="new disks")
    ahead = Histories(store)
    take(lines, ahead)
    found = ahead.of_job("imported", None, RUNS_SHOWN)
    assert {each.run for each in found.anchors} == {runs[-1]}


def test_a_job_of_two_labs_has_a_history_of_each_made_ahead(store, settings, runs):
    assert runs
    paths = [FIO / "single-job_randrw70.json"]
    service.import_results(settings, paths, job="imported", lab="pod1", dry_run=False)
    ahead = Histories(UnreadStore(store))
    take(written(settings), ahead)
    histories = {lab: ahead.of_job("imported", lab, RUNS_SHOWN) for lab in ("local", "pod1")}
    assert [len(each.runs) for each in histories.values()] == [len(runs), 1]
    with pytest.raises(UsageError, match="several labs"):
        ahead.of_job("imported", None, RUNS_SHOWN)


def test_the_end_of_a_process_that_was_killed_is_left_out(store, settings, caplog):
    caplog.set_level("INFO")
    lines = written(settings)
    lines.truncate(len(lines.getvalue()) // 2)
    ahead = Histories(store)
    take(lines, ahead)
    assert ahead.of_job("imported", None, RUNS_SHOWN).series
    assert "is not whole" in caplog.text


def test_a_run_that_is_deleted_meanwhile_ends_nothing(store, settings, runs):
    class Deleting(CountingStore):
        def measured_runs(self, run_ids, metrics):
            while runs:
                store.delete_run(runs.pop())
            return super().measured_runs(run_ids, metrics)

    paths = [FIO / "single-job_randrw70.json"]
    service.import_results(settings, paths, job="older", lab="local", dry_run=False)
    made = Histories(Deleting(store, 1)).newest()
    assert [each.job for each in made] == ["older"]


def test_a_history_that_is_no_text_is_left_to_whoever_asks(store, settings, runs):
    store.set_run_facts(runs[0], {"file": "\ud800"})
    lines = written(settings)
    assert lines.getvalue() == b""
    ahead = Histories(store)
    take(lines, ahead)
    assert ahead.of_job("imported", None, RUNS_SHOWN).series


def test_a_server_that_can_start_no_process_goes_on_without(settings, tmp_path, caplog):
    with histories_ahead(replace(settings, directory=tmp_path / "gone")) as process:
        assert process is None
    assert "made as they are asked for" in caplog.text


def test_what_is_asked_for_is_kept_and_the_rest_forgotten():
    kept = Kept(2)
    for number in range(1, 10):
        kept.put(number, f"value {number}")
        assert kept.get(1) == "value 1"
    assert kept.get(3) is None
