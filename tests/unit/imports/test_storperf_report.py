"""Reports of the earlier StorPerf: every window, judged anew."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from storperf.imports.figures import NotAResultError
from storperf.imports.reading import read_results
from storperf.imports.storperf_report import find_report, storperf_run
from storperf.model.run import Steadiness, TrialEnd

FOLDER = Path(__file__).parents[2] / "fixtures" / "storperf"
DRIFTING = {
    "danube": {
        "rr-bs2k-qd1-nj1-a4",
        "rr-bs2k-qd4-nj1-a4",
        "rw-bs16k-qd4-nj1-a4",
        "rw-bs2k-qd4-nj1-a4",
    },
    "master": {"rw-bs2k-qd4-nj1-a4", "wr-bs16k-qd1-nj1-a4"},
}


def tree(name="danube"):
    return json.loads((FOLDER / f"storperf-{name}.json").read_text())


def run(document):
    return storperf_run(find_report(document))


@pytest.mark.parametrize("name", ["danube", "master"])
def test_windows_that_drift_are_not_steady_whatever_storperf_said(name):
    found = run(tree(name))
    assert len(found.trials) == 13
    assert all(trial.facts["steady_for_storperf"] for trial in found.trials)
    drifting = {t.step.key for t in found.trials if t.steadiness is Steadiness.NOT_STEADY}
    assert drifting == DRIFTING[name]
    assert {t.end for t in found.trials if t.step.key in drifting} == {TrialEnd.DEADLINE}


@pytest.mark.parametrize("name", ["danube", "master"])
def test_figures_are_the_averages_of_the_report_in_our_units(name):
    report = find_report(tree(name))
    for window, trial in zip(
        sorted(report["report_data"]), storperf_run(report).trials, strict=True
    ):
        said = report["report_data"][window]
        found = {(s.op, s.metric): s.value for s in trial.summaries}
        for op in ("read", "write"):
            if not said["iops"][op]["average"]:
                assert (op, "iops") not in found
                continue
            assert found[op, "iops"] == pytest.approx(said["iops"][op]["average"])
            assert found[op, "bandwidth"] == pytest.approx(said["bw"][op]["average"] * 1024)
            assert found[op, "lat_mean"] == pytest.approx(said["lat.mean"][op]["average"] * 1000)


def test_the_snia_figures_are_of_the_whole_window():
    trial = next(t for t in run(tree()).trials if t.step.key == "rr-bs2k-qd1-nj1-a4")
    (iops,) = [f for f in trial.steady_figures if f.metric == "iops"]
    assert iops.snia_range == pytest.approx(0.1577, abs=1e-4)
    assert iops.snia_excursion == pytest.approx(24.0625 * 9 / 1644.85, abs=1e-4)
    assert "excursion 13 % (limit 10 %)" in iops.sentence


def test_the_two_reports_are_of_the_same_thing():
    first, second = (
        {t.step.key: t.step.fingerprint for t in run(tree(name)).trials}
        for name in ("danube", "master")
    )
    assert first == second


def test_its_rw_is_the_sequential_mix_that_it_was():
    step = next(t.step for t in run(tree()).trials if t.step.workload.name == "rw")
    assert step.workload.rw == "rw"
    assert not step.workload.is_random


@pytest.mark.parametrize(
    "wrap",
    [
        lambda report: {"report": report},
        lambda report: {"details": report, "start_date": "2018-01-02 03:04:05"},
        lambda report: {"report": {"details": report}},
        lambda report: report,
    ],
)
def test_the_report_is_found_wherever_it_was_put(wrap):
    document = json.dumps(wrap(tree()["report"])).encode()
    (found,) = read_results(document)
    assert (found.kind, len(found.trials)) == ("storperf", 13)


def test_dates_of_the_results_database_are_utc():
    document = {
        "details": tree()["report"],
        "start_date": "2018-01-02 03:04:05",
        "stop_date": "2018-01-02 04:04:05",
    }
    found = run(document)
    assert (found.begun_s, found.ended_s) == (1514862245.0, 1514865845.0)
    assert run(tree()).ended_s is None


def test_latency_in_ns_is_read_under_its_own_name():
    document = tree()
    for window in document["report"]["report_data"].values():
        window["lat_ns.mean"] = window.pop("lat.mean")
    before, after = (
        {(s.op, s.metric): s.value for s in run(each).trials[1].summaries}
        for each in (tree(), document)
    )
    assert after["read", "lat_mean"] == pytest.approx(before["read", "lat_mean"] / 1000)


@pytest.mark.parametrize("sample", [[1, float("nan")], [1, -1], [1], "x", [1, None], [1, True]])
def test_a_sample_that_is_none_is_refused(sample):
    document = tree()
    name = "rr.queue-depth.1.block-size.2048"
    document["report"]["report_data"][name]["iops"]["read"]["series"][3] = sample
    with pytest.raises(NotAResultError, match="no sample"):
        run(document)


def test_a_window_without_a_sample_is_a_failed_trial():
    document = tree()
    for by_op in document["report"]["report_data"]["rr.queue-depth.1.block-size.2048"].values():
        for samples in by_op.values():
            samples["series"] = []
    failed = [t for t in run(document).trials if t.end is TrialEnd.FAILED]
    assert [t.step.key for t in failed] == ["rr-bs2k-qd1-nj1-a4"]


def test_two_samples_are_too_few_to_call_steady():
    document = copy.deepcopy(tree())
    for by_op in document["report"]["report_data"]["rr.queue-depth.1.block-size.16384"].values():
        for samples in by_op.values():
            samples["series"] = samples["series"][:2]
    trial = next(t for t in run(document).trials if t.step.key == "rr-bs16k-qd1-nj1-a4")
    assert trial.steadiness is Steadiness.NOT_STEADY
    assert "too few" in trial.steady_figures[0].sentence


@pytest.mark.parametrize("name", ["rr", "rr.queue-depth.x.block-size.1", ""])
def test_a_window_that_does_not_name_its_cell_is_refused(name):
    document = tree()
    windows = document["report"]["report_data"]
    windows[name] = windows.popitem()[1]
    with pytest.raises(NotAResultError, match="does not name"):
        run(document)
