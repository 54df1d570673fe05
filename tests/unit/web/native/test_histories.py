"""Histories: many runs read at once say what each says for itself, and nothing stale is told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from unit.reports.result_values import measured_of

from storperf import anchoring, service
from storperf.errors import UnknownName
from storperf.histories import Histories, Kept
from storperf.reports.history import METRICS_OF_HISTORY, figures_of
from storperf.run_results import load_result


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


def test_what_is_asked_for_is_kept_and_the_rest_forgotten():
    kept = Kept(2)
    for number in range(1, 10):
        kept.put(number, f"value {number}")
        assert kept.get(1) == "value 1"
    assert kept.get(3) is None
