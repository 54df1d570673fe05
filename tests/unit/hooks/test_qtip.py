"""QTIP's index: as it is described, and as the published program makes it."""

from __future__ import annotations

import json
import math
import re
import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.reports.result_values import FIGURES, a_result, a_step

from storperf.errors import UsageError
from storperf.hooks.qtip import Figure, Method, storage_index
from storperf.hooks.qtip_document import index_document, index_lines
from storperf.hooks.qtip_figures import report_figures, run_figures

REPORTS = Path(__file__).parents[2] / "fixtures" / "storperf"
MASTER, DANUBE = REPORTS / "storperf-master.json", REPORTS / "storperf-danube.json"


def metrics_of(path):
    return {
        name: value
        for name, value in json.loads(path.read_text())["report"]["metrics"].items()
        if value > 0
    }


def ratios_of(pattern, *, upside_down=False):
    """Each figure of the newer report by that of the older, as the fixtures have them."""
    now, then = metrics_of(MASTER), metrics_of(DANUBE)
    names = [name for name in now if re.search(pattern, name)]
    return [then[n] / now[n] if upside_down else now[n] / then[n] for n in names]


def index_of(method, now=MASTER, then=DANUBE):
    return storage_index(report_figures(now), report_figures(then), method)


def test_compat_is_what_the_published_program_computes():
    sections = [
        ratios_of(r"^(rr|wr)\..*\.iops$"),
        ratios_of(r"^rw\..*\.bw$"),
        ratios_of(r"\.lat.mean$", upside_down=True),
    ]
    means = [statistics.fmean(each) for each in sections]
    index = index_of(Method.COMPAT)
    assert [section.name for section in index.sections] == ["IOPS", "Througput", "Latency"]
    assert [len(section.ratios) for section in index.sections] == [len(each) for each in sections]
    assert [section.mean for section in index.sections] == pytest.approx(means)
    assert index.value == int(statistics.fmean(means) * 2048)
    assert any(each.name.startswith("_warm_up") for each in index.sections[2].ratios)


def test_the_described_one_takes_geometric_means_and_what_is_sequential():
    sections = [
        ratios_of(r"^(rr|wr)\..*\.iops$"),
        ratios_of(r"^(rs|ws|rw)\..*block-size\.16384\..*\.bw$"),
        ratios_of(r"^(?!_warm_up).*\.lat\.mean$", upside_down=True),
    ]
    means = [statistics.geometric_mean(each) for each in sections]
    index = index_of(Method.DESCRIBED)
    assert [section.mean for section in index.sections] == pytest.approx(means)
    assert index.value == round(statistics.fmean(means) * 2048)
    assert index.value != index_of(Method.COMPAT).value


@pytest.mark.parametrize("method", Method)
def test_a_report_beside_itself_is_2048(method):
    index = index_of(method, MASTER, MASTER)
    assert index.value == 2048
    assert [section.mean for section in index.sections] == [1.0, 1.0, 1.0]


def figure(**changes):
    values = {
        "name": "seq.queue-depth.1.block-size.16384.read.bw",
        "metric": "bw",
        "value": 100.0,
        "is_random": False,
        "block_size_bytes": 16384,
        "fingerprint": "v1-a",
    }
    return Figure(**{**values, **changes})


RANDOM = figure(name="mine.queue-depth.1.block-size.4096.read.iops", metric="iops", is_random=True)
LATENCY = figure(name="mine.queue-depth.1.block-size.4096.read.lat.mean", metric="lat.mean")
ALL = (figure(), RANDOM, LATENCY)


def means(index):
    return {section.name: section.mean for section in index.sections}


def test_half_the_latency_counts_twice_and_half_the_bandwidth_half():
    now = [replace(each, value=50.0) for each in ALL]
    index = storage_index(now, ALL, Method.DESCRIBED)
    assert means(index) == {"IOPS": 0.5, "Throughput": 0.5, "Latency": 2.0}
    assert index.value == 2048


def test_a_workload_of_any_name_counts_by_what_fio_was_told():
    step = a_step(options=(("rw", "randwrite"),))
    found = run_figures(a_result(steps=(step,)))
    assert [(each.name, each.is_random, each.value) for each in found if each.metric == "iops"] == [
        ("rr.queue-depth.1.block-size.4096.read.iops", True, FIGURES["iops"])
    ]
    assert means(storage_index(found, found, Method.DESCRIBED))["Throughput"] is None


def test_a_section_without_a_figure_leaves_no_index():
    for method in Method:
        assert storage_index([RANDOM], [RANDOM], method).value is None
    index = storage_index([RANDOM], [RANDOM], Method.DESCRIBED)
    assert index_lines(index, None)[0].startswith("storage index none, for a section is empty")


def test_sequential_blocks_of_another_size_are_no_throughput():
    large = figure(block_size_bytes=1 << 20)
    assert means(storage_index([large], [large], Method.DESCRIBED))["Throughput"] is None


@pytest.mark.parametrize(
    ("now", "then", "words"),
    [
        ([figure(fingerprint="v1-b")], ALL, "the baseline measured something else"),
        ([figure()], [RANDOM], "the baseline lacks it"),
        ([RANDOM], [figure(), RANDOM], "the run lacks it"),
        ([figure(value=0.0)], ALL, "no I/O"),
        ([figure(is_random=None)], ALL, "random or sequential?"),
        ([figure(name="_warm_up.x.lat.mean", metric="lat.mean")], ALL, "a warm-up"),
    ],
)
def test_what_does_not_count_is_named(now, then, words):
    index = storage_index(now, then, Method.DESCRIBED)
    assert any(each.endswith(words) for each in index.left_out), index.left_out
    assert means(index)["Throughput"] is None


def test_a_figure_of_a_report_is_compared_with_one_of_a_run():
    index = storage_index([figure()], [figure(fingerprint=None)], Method.DESCRIBED)
    assert means(index)["Throughput"] == 1.0


def test_the_document_says_how_it_was_made():
    verdict = {"verdict": "inconclusive", "reason": "no_baseline"}
    for method, word in ((Method.COMPAT, "--compat"), (Method.DESCRIBED, "geometric")):
        index = storage_index(ALL, ALL, method)
        document = index_document(index, run="r", baseline="b", verdict=verdict)
        assert document["method"] == method.value
        assert word in document["made_by"]
        assert word in index_lines(index, verdict)[0]
        assert "  the run: inconclusive, no_baseline" in index_lines(index, verdict)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"metrics": {}}', '{"metrics": {"a": 1}}', '{"report": {"metrics": []}}'],
)
def test_what_is_no_report_is_refused(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(str(path))):
        report_figures(path)


def test_a_later_report_in_nanoseconds_is_the_same_figure(tmp_path):
    path = tmp_path / "report.json"
    place = "rr.queue-depth.1.block-size.2048.read"
    metrics = {f"{place}.lat_ns.mean": 5000, f"{place}.iops": math.inf, f"{place}.bw": None}
    path.write_text(json.dumps({"details": {"metrics": metrics}}))
    [found] = report_figures(path)
    assert (found.name, found.metric, found.value) == (f"{place}.lat.mean", "lat.mean", 5.0)


@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=20), st.sampled_from(list(Method)))
def test_anything_beside_itself_is_1_in_each_section(values, method):
    figures = [
        replace(each, value=value, name=f"rr.{number}.{each.metric}")
        for number, value in enumerate(values)
        for each in ALL
    ]
    index = storage_index(figures, figures, method)
    assert {mean for mean in means(index).values() if mean is not None} == {1.0}
