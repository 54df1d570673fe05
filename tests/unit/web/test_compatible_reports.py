"""What the earlier StorPerf's clients are told of a run: metrics, words, report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract.store.store_values import STEP, a_plan, a_run, a_summary, a_trial

from storperf.imports.storperf_report import find_report, storperf_run
from storperf.jobfile.parse import parse_job
from storperf.model.interval import Interval
from storperf.model.job import Op
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.result import RunResult
from storperf.model.run import RunState, TrialEnd, TrialState
from storperf.stats.table import IntervalTable, SensorTable
from storperf.store.intervals import write_intervals
from storperf.store.store import Store
from storperf.web.compatible.kept import COMPATIBLE, KeptJob
from storperf.web.compatible.old_series import described
from storperf.web.compatible.reports import metadata_of, metrics_of, progress_of, report_of

WINDOW = "rr.queue-depth.1.block-size.4096"
JOB = parse_job("{name: x, target: {null_engine: true}, workloads: [rr]}", source="it")


def ended(**changes):
    values = {
        "state": RunState.COMPLETED,
        "ended_s": 1_000_100.0,
        "created_s": 1_000_000.0,
        "exit_code": 0,
        "verdict": "pass",
    }
    return a_run("r-1", **values | changes)


def a_job(run=None, trials=None, summaries=(), **said):
    entry = QueueEntry(
        run_id="r-1",
        job_name="x",
        lab="local",
        title=None,
        job_text="",
        resources=(),
        priority=0,
        submitted_by="somebody",
        submitted_s=0.0,
        state=EntryState.RUNNING if run is not None and run.ended_s is None else EntryState.ENDED,
        facts={COMPATIBLE: {"kind": "job", "samples": 3, **said}},
    )
    if run is None:
        return KeptJob(id="r-1", entry=replace(entry, state=EntryState.QUEUED), result=None)
    result = RunResult(
        run=run,
        job=JOB,
        plan=a_plan(),
        trials=(a_trial(),) if trials is None else trials,
        summaries=summaries,
        verdict=None,
    )
    return KeptJob(id="r-1", entry=entry, result=result)


SUMMARIES = (
    a_summary(1000.0),
    a_summary(4096000.0, metric="bandwidth"),
    a_summary(250_000.0, metric="lat_mean"),
    a_summary(7.0, agent="agent-01"),
)


def test_metrics_have_the_old_names_and_units():
    assert metrics_of(a_job(ended(), summaries=SUMMARIES)) == {
        f"{WINDOW}.read.iops": 1000.0,
        f"{WINDOW}.read.bw": 4000.0,
        f"{WINDOW}.read.lat_ns.mean": 250_000.0,
        f"{WINDOW}.write.iops": 0.0,
        f"{WINDOW}.write.bw": 0.0,
        f"{WINDOW}.write.lat_ns.mean": 0.0,
    }


def test_a_window_is_called_as_the_request_wrote_its_size():
    job = a_job(ended(), summaries=SUMMARIES, windows={STEP: "rr.queue-depth.1.block-size.4k"})
    assert all(name.startswith("rr.queue-depth.1.block-size.4k.") for name in metrics_of(job))


@pytest.mark.parametrize(
    "trials",
    [
        (),
        (a_trial(state=TrialState.STARTED, end=None),),
        (a_trial(end=TrialEnd.FAILED),),
    ],
)
def test_what_was_not_measured_has_no_metrics(trials):
    assert metrics_of(a_job(ended(), trials=trials, summaries=SUMMARIES)) == {}


def test_a_job_is_completed_only_when_it_has_ended():
    running = a_run("r-1", ended_s=None)
    told = progress_of(a_job(running, trials=(a_trial(state=TrialState.STARTED, end=None),)))
    assert (told["Status"], told["End"]) == ("Running", None)
    assert told["Workloads"] == {f"r-1.{WINDOW}": "Running"}
    told = progress_of(a_job(ended()))
    assert (told["Status"], told["End"], told["Verdict"]) == ("Completed", "completed", "pass")
    assert told["Workloads"] == {f"r-1.{WINDOW}": "Completed"}


def test_the_true_end_stands_beside_completed():
    run = ended(state=RunState.FAILED, exit_code=4, verdict="inconclusive", reason="Status: lost")
    told = progress_of(a_job(run, trials=(a_trial(state=TrialState.PLANNED, end=None),)))
    assert (told["Status"], told["End"], told["ExitCode"]) == ("Completed", "failed", 4)
    assert told["Reason"] == "status: lost", "one line alone may hold the word that scripts seek"
    assert told["Workloads"] == {f"r-1.{WINDOW}": "Pending"}


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", None])
def test_only_a_pass_is_told_as_pass(tmp_path, verdict):
    with Store.open(tmp_path) as store:
        for word, criteria in ((verdict, "FAIL"), ("pass", "PASS")):
            job = a_job(ended(verdict=word))
            assert report_of(store, job, job.result)["criteria"] == criteria


def test_a_report_comes_when_the_job_has_ended(tmp_path):
    with Store.open(tmp_path) as store:
        assert "report" not in metadata_of(store, a_job(a_run("r-1", ended_s=None)))
        told = metadata_of(store, a_job(ended(), metadata={"scenario_name": "s", "test_case": "t"}))
    assert told["scenario"] == "s"
    report = told["report"]
    assert (report["project_name"], report["case_name"]) == ("storperf", "t")
    assert (report["start_date"], report["stop_date"]) == (
        "1970-01-12 13:46:40",
        "1970-01-12 13:48:20",
    )
    assert report["duration"] == 100.0
    assert report["pod_name"] == "Unknown"


def intervals(seconds, iops):
    """One agent's reads; `iops` is what each second does."""
    return IntervalTable.from_intervals(
        Interval(
            trial=f"{STEP}.0",
            attempt=1,
            agent="agent-01",
            target=0,
            op=Op.READ,
            index=second,
            start_s=1_000_000.0 + second,
            end_s=1_000_001.0 + second,
            duration_s=1.0,
            ios=iops(second),
            bytes=iops(second) * 4096,
            clat_count=iops(second),
            clat_sum_ns=iops(second) * 90.0,
            slat_sum_ns=iops(second) * 10.0,
            lat_sum_ns=iops(second) * 100.0,
            bins=(),
        )
        for second in range(seconds)
    )


def test_a_report_has_a_sample_a_minute_and_can_be_imported(tmp_path):
    trial = a_trial(end=TrialEnd.STORPERF_RULE)
    table = intervals(4 * 60 + 5, lambda second: 200 if second < 60 else 100)
    with Store.open(tmp_path) as store:
        path = store.intervals_path("r-1", trial.id, 1)
        write_intervals(path, table, SensorTable.from_samples([]), meta={})
        job = a_job(ended(), trials=(trial,), summaries=SUMMARIES)
        report = report_of(store, job, job.result)
    assert report["details"]["steady_state"] == {WINDOW: True}
    read = report["details"]["report_data"][WINDOW]["iops"]["read"]
    # Averages since the beginning, of the last three minutes: 200, 150, 133.3, 125.
    assert read["series"] == [[2, 150.0], [3, pytest.approx(400 / 3)], [4, 125.0]]
    assert read["slope"] == pytest.approx(-12.5)
    assert read["range"] == pytest.approx(25.0)
    assert read["steady_state"] is True
    latency = report["details"]["report_data"][WINDOW]["lat_ns.mean"]["read"]
    assert latency["series"][0] == [2, 100.0]
    imported = storperf_run(find_report(report))
    (step,) = [each.step for each in imported.trials]
    assert step.workload.name == "rr"


def test_without_whole_minutes_there_is_no_series():
    assert described((), 10)["steady_state"] is False
    one = described((5.0,), 10)
    assert (one["series"], one["average"], one["slope"]) == ([[1, 5.0]], 5.0, None)
    assert one["steady_state"] is False
    assert described([5.0] * 12, 10)["steady_state"] is True
