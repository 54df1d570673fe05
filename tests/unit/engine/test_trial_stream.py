"""What a trial sends while it goes on, and a run for the years."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from storperf.engine.run_points import RunPoints
from storperf.engine.trial_stream import TrialStream
from storperf.jobfile.parse import parse_job
from storperf.model.job import Graphite
from storperf.model.run import Flag, Run, RunState, Steadiness, Summary, Trial, TrialState
from storperf.plan import plan_job
from storperf.sinks.entries import Points, points_of

JOB = parse_job(
    json.dumps(
        {
            "name": "a job",
            "lab": "lab",
            "target": {"directory": "/mnt/x", "size": "1G"},
            "workloads": [{"name": "rr", "rw": "randread"}],
            "matrix": {"queue_depth": 4},
            "repeats": 2,
        }
    ),
    source="a test",
)
STEP = plan_job(JOB).steps[0]
RUN = Run(
    id="r",
    job_name=JOB.name,
    lab=JOB.lab,
    title=None,
    job_text="",
    state=RunState.RUNNING,
    phase=None,
    created_s=5000.7,
    manager={},
    facts={},
)
TRIAL = Trial(
    id="t001",
    step_key=STEP.key,
    side="candidate",
    session=1,
    repeat=1,
    attempt=1,
    state=TrialState.STARTED,
)


def stream(job=JOB, streams=1):
    return TrialStream(RUN, job, TRIAL, STEP, number=3, streams=streams)


def interval(end_s, agent="agent-01", **changes):
    return {
        "kind": "interval",
        "trial": TRIAL.id,
        "attempt": 1,
        "target": 0,
        "op": "read",
        "index": int(end_s),
        "start_s": end_s - 1,
        "end_s": end_s,
        "duration_s": 1.0,
        "ios": 100,
        "bytes": 409_600,
        "clat_count": 100,
        "clat_sum_ns": 500_000.0,
        "slat_sum_ns": 0.0,
        "lat_sum_ns": 510_000.0,
        "bins": [4000, 60, 6000, 40],
    } | changes


def ended(errors):
    target = {"target": 0, "errors": errors}
    return {"kind": "trial_ended", "trial": TRIAL.id, "attempt": 1, "targets": [target]}


def points(entries):
    return {point.path: point for entry in entries for point in points_of(entry)}


def test_a_second_is_sent_with_what_is_measured_in_it():
    found = points(stream().hear("agent-01", interval(6001.2), 0.0))
    place = "storperf.live.lab.a~20~job"
    assert found[f"{place}.candidate.agent-01.target-0.read.iops"].value == 100
    assert found[f"{place}.run.trial"].value == 3
    assert found[f"{place}.run.started_s"].value == 5000
    assert found[f"{place}.candidate.step.{STEP.key}"].value == 1
    assert {point.second for point in found.values()} == {6001}


def test_all_agents_are_one_series_once_each_has_passed_the_second():
    two = stream(streams=2)
    alone = two.hear("agent-01", interval(6001.0), 0.0)
    alone += two.hear("agent-01", interval(6002.0), 0.0)
    assert not any(".all.all." in path for path in points(alone))
    found = points(two.hear("agent-02", interval(6001.0), 0.0))
    assert found["storperf.live.lab.a~20~job.candidate.all.all.read.iops"].value == 200


@pytest.mark.parametrize(("errors", "count"), [([0, 0], 0), ([5, 0, 28], 2)])
def test_errors_are_counted_at_the_end_of_a_trial(errors, count):
    one = stream()
    one.hear("agent-01", interval(6001.2), 0.0)
    (found,) = points(one.hear("agent-01", ended(errors), 0.0)).values()
    assert found.path.endswith(".agent-01.target-0.read.errors")
    assert (found.value, found.second) == (count, 6001)


def test_a_trial_that_did_nothing_sends_nothing():
    one = stream()
    assert one.hear("agent-01", ended([5]), 0.0) == []
    assert one.flush() == []


def test_the_older_layout_stands_beside_ours_and_ends_with_its_marker():
    one = stream(replace(JOB, graphite=Graphite(older_layout=True)))
    found = points(one.hear("agent-01", interval(6001.2), 0.0))
    host = "a~20~job.rr.queue-depth.4.block-size.4096.agent-01-target-0"
    assert found[f"{host}.jobs.1.read.iops"].value == 100
    assert found[f"{host}.jobs.1.read.bw"].value == 400
    assert found[f"{host}.jobs.1.read.lat_ns.mean"].value == 5100
    assert found[f"{host}.jobs.1.read.clat_ns.percentile.99.000000"].value == 6000
    (marker,) = points(one.flush()).values()
    assert marker == (f"{host}.commit-marker", 6001, 6001)


def test_no_path_of_the_older_layout_begins_with_what_carbon_takes_off():
    job = replace(JOB, name="ünder", graphite=Graphite(older_layout=True))
    found = points(stream(job).hear("agent-01", interval(6001.2), 0.0))
    assert any(path.startswith("_~fc~nder.rr.") for path in found)
    assert not any(path.startswith("~") for path in found)


def test_without_it_there_is_none():
    one = stream()
    found = points(one.hear("agent-01", interval(6001.2), 0.0) + one.flush())
    assert all(path.startswith("storperf.") for path in found)


# --- the summary -----------------------------------------------------------------------------


def summary(trial, value):
    return Summary(trial=trial.id, agent="all", op="read", metric="iops", value=value)


def test_a_step_has_its_figures_after_each_trial_under_the_time_of_the_runs_start():
    kept = RunPoints(RUN, JOB, RUN.created_s)
    first = replace(TRIAL, steadiness=Steadiness.STEADY)
    second = replace(TRIAL, id="t002", repeat=2, steadiness=Steadiness.NOT_STEADY)
    place = f"storperf.summary.lab.a~20~job.candidate.{STEP.key}.read"
    found = points(kept.of_trial(first, [summary(first, 100.0)]))
    assert found[f"{place}.iops"] == (f"{place}.iops", pytest.approx(100), 5000)
    assert found[f"{place}.steady"].value == 1
    found = points(kept.of_trial(second, [summary(second, 400.0)]))
    assert found[f"{place}.iops"].value == pytest.approx(200)
    assert found[f"{place}.steady"].value == 0


def test_a_trial_that_was_not_judged_makes_its_step_so():
    kept = RunPoints(RUN, JOB, RUN.created_s)
    found = points(kept.of_trial(TRIAL, [summary(TRIAL, 1.0)]))
    assert [each.value for path, each in found.items() if path.endswith("steady")] == [-1]


@pytest.mark.parametrize("change", [{"flags": (Flag.PARTIAL,)}, {"repeat": 3}])
def test_partial_and_added_trials_are_no_part_of_the_jobs_value(change):
    one = replace(TRIAL, **change)
    assert RunPoints(RUN, JOB, RUN.created_s).of_trial(one, [summary(one, 100.0)]) == []


def test_a_failed_trial_without_figures_sends_nothing():
    assert RunPoints(RUN, JOB, RUN.created_s).of_trial(TRIAL, []) == []


def test_marks_are_never_averaged():
    entries = stream().hear("agent-01", interval(6001.2), 0.0)
    assert {entry.fold for entry in entries if isinstance(entry, Points)} == {"last"}
