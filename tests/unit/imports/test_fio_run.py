"""A fio result as a run: which fio jobs are a step, what is compared, what is marked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from storperf.imports.fio_run import fio_run
from storperf.imports.fio_text import read_fio
from storperf.model.metric import METRICS
from storperf.model.run import Flag, Steadiness, TrialEnd

FIXTURES = Path(__file__).parents[2] / "fixtures"
FIO = FIXTURES / "fio"
CLIENT_SERVER = FIXTURES / "fio-client-server"
SINGLE = (FIO / "single-job_randrw70.json").read_bytes()


def imported(content):
    (result,) = read_fio(content)
    return fio_run(result)


def read(name, folder=FIO):
    return imported((folder / name).read_bytes())


def figures(trial, agent="all"):
    return {(s.op, s.metric): s.value for s in trial.summaries if s.agent == agent}


def options(**changed):
    """The single fio job with other options; None takes one away."""
    tree = json.loads(SINGLE)
    own = tree["jobs"][0]["job options"] | changed
    tree["jobs"][0]["job options"] = {k: v for k, v in own.items() if v is not None}
    return imported(json.dumps(tree).encode()).trials[0].step


def test_clones_without_group_reporting_are_one_step_and_their_rates_add_up():
    (trial,) = read("numjobs4_no-group-reporting.json").trials
    assert trial.step.key == "many-bs4k-qd1-nj4-a1"
    rates = (4259054 / 2.002, 4650992 / 2.001, 4270637 / 2.003, 4626248 / 2.001)
    found = figures(trial)
    assert found["read", "iops"] == pytest.approx(sum(rates))
    # Percentiles of several fio jobs need their histograms; an average of them is none.
    assert not [metric for _, metric in found if metric.startswith("clat_p")]
    assert found["read", "clat_max"] == 16283000


def test_a_mean_of_clones_is_weighted_by_their_ios():
    content = (FIO / "numjobs4_no-group-reporting.json").read_bytes()
    (result,) = read_fio(content)
    clats = [job.directions[0].clat for job in result.total.jobs]
    expected = sum(c.mean_ns * c.count for c in clats) / sum(c.count for c in clats)
    (trial,) = fio_run(result).trials
    assert figures(trial)["read", "clat_mean"] == pytest.approx(expected)


def test_clones_with_group_reporting_are_the_same_step():
    (apart,) = read("numjobs4_no-group-reporting.json").trials
    (together,) = read("numjobs4_group-reporting.json").trials
    assert apart.step == together.step


def test_a_missing_clone_makes_the_step_a_part():
    tree = json.loads((FIO / "numjobs4_no-group-reporting.json").read_bytes())
    del tree["jobs"][2]
    (trial,) = imported(json.dumps(tree).encode()).trials
    assert trial.flags == (Flag.PARTIAL,)
    assert trial.end_reason == "3 of 4 fio jobs are in the result"


def test_a_failed_clone_makes_the_step_a_part_with_its_error():
    tree = json.loads((FIO / "numjobs4_no-group-reporting.json").read_bytes())
    tree["jobs"][2]["error"] = 5
    (trial,) = imported(json.dumps(tree).encode()).trials
    assert trial.flags == (Flag.PARTIAL,)
    assert "Input/output error" in trial.end_reason


def test_all_servers_of_a_fio_job_are_one_step_summed_by_us():
    reads, mixed = read("client-server_3servers_final.json", CLIENT_SERVER).trials
    assert reads.step.key == "reads-bs4k-qd1-nj1-a3"
    assert mixed.step.agents == 3
    whole = figures(reads)["read", "iops"]
    parts = [figures(reads, f"agent-0{n}")["read", "iops"] for n in (1, 2, 3)]
    assert whole == pytest.approx(sum(parts))
    assert parts[0] == pytest.approx(99861 / 5.015)


def test_servers_are_named_by_index_and_known_as_facts():
    run = read("client-server_3servers_final.json", CLIENT_SERVER)
    assert {name: facts["server"] for name, facts in run.environment.items()} == {
        "agent-01": "127.0.0.1:8801",
        "agent-02": "127.0.0.1:8802",
        "agent-03": "127.0.0.1:8803",
    }


def test_a_failed_fio_job_is_a_failed_trial_without_figures():
    ok, bad = read("mixed_one-ok-one-failed_enospc.stdout").trials
    assert (ok.end, bad.end) == (TrialEnd.COMPLETED, TrialEnd.FAILED)
    assert bad.summaries == ()
    assert "No space left" in bad.end_reason
    assert figures(ok)["write", "clat_max"] == 23645


@pytest.mark.parametrize("name", ["failed-job_open-error.stdout", "verify-error.stdout"])
def test_a_result_in_which_everything_failed_is_no_measurement(name):
    run = read(name)
    assert not run.is_a_measurement
    assert len(run.faults) == 1


def test_a_verify_error_is_told_from_other_failures():
    assert read("verify-error.stdout").trials[0].failure_kind == "verify"


def test_what_a_signal_ended_bears_the_flag():
    run = read("killed-SIGINT.stdout")
    assert run.trials[0].flags == (Flag.PARTIAL,)
    assert run.doubts == ("sig: only a part of a measurement: fio was ended by signal 2",)


def test_status_intervals_are_the_course_and_the_last_document_the_figures():
    run = read("jsonplus_status-interval1_concat.json")
    (trial,) = run.trials
    reads = [each for each in trial.intervals if each.op == "read"]
    assert [each.ios for each in reads] == [17958, 20006, 20000, 2036]
    assert sum(each.ios for each in reads) == 60000
    assert [round(each.duration_s, 3) for each in reads] == [0.897, 1.001, 1.0, 0.103]
    assert all(sum(count for _, count in each.bins) == each.ios for each in reads)
    assert figures(trial)["read", "iops"] == 60000 / 3.001
    assert trial.steadiness is Steadiness.NOT_JUDGED
    assert trial.window_s == (trial.intervals[0].start_s, run.ended_s)


def test_rounds_of_servers_are_their_course():
    run = read("client-server_2servers_status-interval1.out", CLIENT_SERVER)
    reads = [i for i in run.trials[0].intervals if i.agent == "agent-01"]
    assert sum(each.ios for each in reads) == 120001
    assert len(reads) == 7


def test_a_total_alone_has_no_course():
    (trial,) = imported(SINGLE).trials
    assert (trial.intervals, trial.window_s) == ((), None)
    assert trial.steadiness is Steadiness.NOT_JUDGED


def stretched(factors):
    """Documents a second apart; each second fio did `factor` times 1000 reads."""
    tree = json.loads(SINGLE)
    job, texts, ios = tree["jobs"][0], [], 0
    job["job options"]["runtime"] = str(len(factors))
    for second, factor in enumerate(factors, start=1):
        ios += round(1000 * factor)
        for op in ("read", "write"):
            job[op] |= {"total_ios": ios, "io_bytes": ios * 4096, "runtime": second * 1000}
            for kind in ("slat_ns", "clat_ns", "lat_ns"):
                job[op][kind] |= {"N": ios, "mean": 100.0}
        job["elapsed"] = second
        tree["timestamp_ms"] = 1_600_000_000_000 + second * 1000
        texts.append(json.dumps(tree, indent=1))
    return "\n".join(texts).encode()


def test_a_course_that_drifts_is_not_steady():
    (trial,) = imported(stretched([1 - n / 120 for n in range(60)])).trials
    assert trial.steadiness is Steadiness.NOT_STEADY


def test_a_course_that_holds_still_is_steady():
    (trial,) = imported(stretched([1 + 0.01 * (n % 3) for n in range(60)])).trials
    assert trial.steadiness is Steadiness.STEADY


def test_what_is_not_measured_by_is_not_in_the_fingerprint():
    plain = options()
    for same in (
        {"filename": "/dev/sdb"},
        {"write_lat_log": "x", "log_avg_msec": "1000"},
        {"percentile_list": "1:2"},
        {"group_reporting": "1"},
    ):
        assert options(**same).fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"bs": "8k"}, "block_size_bytes"),
        ({"iodepth": "8"}, "queue_depth"),
        ({"numjobs": "2"}, "numjobs"),
        ({"ioengine": "libaio"}, "workload"),
        ({"runtime": "60"}, "workload"),
        ({"rwmixread": "30"}, "workload"),
        ({"direct": "1"}, "workload"),
    ],
)
def test_every_option_that_shapes_the_load_is_in_the_fingerprint(changed, field):
    before, after = options(), options(**changed)
    assert before.fingerprint != after.fingerprint
    differing = {n for n, v in after.measuring if dict(before.measuring).get(n) != v}
    assert differing == {field}


def test_options_under_another_name_are_the_same():
    assert options(bs=None, blocksize="4k").fingerprint == options().fingerprint
    assert options(bs=None).block_size_bytes == 4096


def test_what_ran_beside_it_is_in_the_fingerprint():
    ok, bad = read("mixed_one-ok-one-failed_enospc.stdout").trials
    assert dict(ok.step.measuring)["beside"] == "bad"
    assert dict(bad.step.measuring)["beside"] == "ok"
    first, *_ = read("pkb-7fb0c9d8-0_fio.json", FIXTURES / "fio2").trials
    assert dict(first.step.measuring)["beside"] == ""


def test_options_that_the_result_does_not_name_are_not_made_up():
    steps = [
        trial.step for trial in read("fio-parser-sample-result.json", FIXTURES / "fio2").trials
    ]
    assert [step.key for step in steps][:2] == ["sequential_write-nj1-a1", "sequential_read-nj1-a1"]
    assert {step.queue_depth for step in steps} == {0}
    assert dict(steps[0].measuring)["workload"] == "not named, write"
    assert len({step.fingerprint for step in steps}) >= 2


def test_two_fio_jobs_of_one_name_are_two_steps():
    tree = json.loads(SINGLE)
    other = json.loads(SINGLE)["jobs"][0] | {"groupid": 1}
    tree["jobs"].append(other)
    keys = [trial.step.key for trial in imported(json.dumps(tree).encode()).trials]
    assert keys == ["one-bs4k-qd4-nj1-a1", "one-bs4k-qd4-nj1-a1-2"]


def test_the_name_of_a_job_is_that_of_its_fio_jobs_and_short():
    assert imported(SINGLE).name == "one"
    assert read("mixed_one-ok-one-failed_enospc.stdout").name == "ok+bad"
    long = read("pkb-7fb0c9d8-0_fio.json", FIXTURES / "fio2").name
    assert len(long) <= 60
    assert re.search(r"-[0-9a-f]{8}$", long)


def test_times_are_those_of_the_result():
    run = imported(SINGLE)
    assert (run.begun_s, run.ended_s) == (1795313089.975, 1795313092.975)
    assert run.runtime_s == 2.001
    old = read("fio-parser-sample-result.json", FIXTURES / "fio2")
    assert (old.begun_s, old.ended_s) == (None, None)


def test_every_summary_is_a_known_metric_and_a_positive_number():
    for folder in (FIO, CLIENT_SERVER, FIXTURES / "fio2", FIXTURES / "fio-terse"):
        for path in filter(Path.is_file, folder.iterdir()):
            try:
                results = read_fio(path.read_bytes())
            except ValueError:
                continue
            for result in results:
                for trial in fio_run(result).trials:
                    for summary in trial.summaries:
                        assert summary.metric in METRICS
                        assert summary.value > 0
                        assert replace(summary) == summary
