"""Histories: many runs read at once say what each says for itself, and nothing stale is told."""

from __future__ import annotations

import pytest
from unit.reports.result_values import measured_of

from storperf import anchoring, service
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
