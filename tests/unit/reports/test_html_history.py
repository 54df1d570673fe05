"""The history of a job: values and outcomes of its runs, in a table and as a page."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from unit.reports.result_values import (
    EVIL,
    STEP,
    a_check,
    a_result,
    a_run,
    a_step,
    a_verdict,
    measured_of,
    summaries_of,
)

from storperf.model.history import Band
from storperf.model.run import RunState
from storperf.model.verdict import Reason
from storperf.reports.history import figures_of, job_history
from storperf.reports.history_table import history_table
from storperf.reports.html_history import render_history
from storperf.stats.wording import signed

PLACE = (STEP, "candidate", "read", "iops")
BAND = Band(centre=12_000.0, suspicious=9_000.0, runs=("run-1", "run-2"))


def run_of(number, *, factor=1.0, reason=Reason.NOT_WORSE, fingerprint="v1-a", **changes):
    return a_result(
        run=a_run(id=f"run-{number}", created_s=1_790_000_000.0 + 86_400 * number, **changes),
        steps=(a_step(fingerprint=fingerprint),),
        summaries=summaries_of(factor=factor),
        verdict=a_verdict(a_check(reason)),
    )


def history_of(*results):
    """The history of runs given oldest first."""
    return job_history(
        [(r.run, figures_of(measured_of(r))) for r in reversed(results)], {PLACE: BAND}
    )


def iops_of(history):
    return next(each for each in history.series if each.metric == "iops")


def text_of(renderable):
    console = Console(file=io.StringIO(), width=100)
    console.print(renderable)
    return console.file.getvalue()


def test_each_run_has_a_point_oldest_first_with_its_interval():
    series = iops_of(history_of(run_of(1), run_of(2, factor=2.0)))
    assert [point.run for point in series.points] == ["run-1", "run-2"]
    assert [point.value for point in series.points] == [12_400.0, 24_800.0]
    assert series.points[0].low == pytest.approx(12_276.0)
    assert series.band == BAND


def test_a_percentile_has_no_interval():
    history = history_of(run_of(1))
    tail = next(each for each in history.series if each.metric == "clat_p99")
    assert (tail.points[0].low, tail.points[0].high) == (None, None)


def test_a_run_that_measured_nothing_is_listed_and_has_no_point():
    empty = a_result(
        run=a_run(id="run-2", state=RunState.CANCELLED, verdict=None, reason=None),
        summaries=(),
        verdict=None,
    )
    history = history_of(run_of(1), empty)
    assert [run.id for run in history.runs] == ["run-2", "run-1"]
    assert [point.run for point in iops_of(history).points] == ["run-1"]


def test_an_outcome_is_that_of_the_checks_on_this_figure():
    history = history_of(run_of(1, reason=Reason.SUSPICIOUS))
    assert iops_of(history).points[0].reason is Reason.SUSPICIOUS
    tail = next(each for each in history.series if each.metric == "clat_p99")
    assert tail.points[0].reason is None


def test_another_fingerprint_does_not_compare():
    series = iops_of(history_of(run_of(1, fingerprint="v1-old"), run_of(2)))
    assert [point.is_comparable for point in series.points] == [False, True]


def test_the_table_shows_outcomes_in_order():
    history = history_of(
        run_of(1, fingerprint="v1-old"),
        run_of(2, reason=Reason.LIMIT_BROKEN),
        run_of(3, reason=Reason.SUSPICIOUS),
        run_of(4),
    )
    text = text_of(history_table(history))
    assert "(+)x?+" in text
    assert "12 k" in text
    assert "< 9000" in text


@pytest.mark.parametrize("evil", EVIL)
def test_titles_of_others_stay_text(evil):
    history = history_of(run_of(1, title=evil, lab=evil))
    page = render_history(history, {}, made_s=0.0)
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\x1b" not in text_of(history_table(history))
    assert "figure-1" in page


def test_the_page_links_the_reports_that_are_there():
    page = render_history(history_of(run_of(1), run_of(2)), {"run-1": "runs/1.html"}, made_s=0.0)
    assert re.findall(r'<a href="([^"]*)">run-', page) == ["runs/1.html"]


def test_a_history_without_a_figure_is_a_page():
    empty = a_result(summaries=(), verdict=None)
    assert "No run of this job has measured anything yet" in render_history(
        history_of(empty), {}, made_s=0.0
    )


def test_a_change_of_level_is_told_with_its_first_run_and_its_size():
    shares = [1.0, 1.01, 0.99] * 6 + [0.8, 0.81, 0.79] * 6
    history = history_of(*(run_of(n, factor=share) for n, share in enumerate(shares, start=1)))
    (change,) = iops_of(history).changes
    assert change.run == "run-19"
    assert change.change == pytest.approx(-0.2, abs=0.01)
    assert change.low < change.change < change.high < 0
    said = " ".join(text_of(history_table(history)).split())
    assert f"changed with run run-19: {STEP}, read IOPS -20 %" in said
    page = render_history(history, {}, made_s=1.79e9)
    assert "Its level changed with run run-19" in page
    assert page.count('class="changed"') == 2 * sum(len(each.changes) for each in history.series)
    assert f">{signed(change.change)} ({signed(change.low)} to {signed(change.high)})<" in page


def test_runs_under_another_fingerprint_are_no_change_of_level():
    old = [run_of(n, factor=2.0, fingerprint="v1-old") for n in range(1, 19)]
    new = [run_of(n) for n in range(19, 37)]
    assert iops_of(history_of(*old, *new)).changes == ()
