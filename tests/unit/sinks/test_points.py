"""From intervals and samples to points: right figures, plain numbers, whole seconds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.model.metric import METRICS
from storperf.sinks.paths import RunSeries, parse_path
from storperf.sinks.points import (
    Place,
    SecondMerger,
    figures_of,
    means_of,
    plain_number,
    point_of,
)
from storperf.stats.histogram import merge_bins, percentile_nearest_rank

PLACE = Place(lab="local", job="job", side="candidate")
SERIES = RunSeries(tree="live", lab="l", job="j", fact="f")
SLICE = Interval(
    trial="t001",
    attempt=1,
    agent="agent-01",
    target=0,
    op=Op.READ,
    index=0,
    start_s=1000.0,
    end_s=1000.25,
    duration_s=0.25,
    ios=100,
    bytes=409600,
    clat_count=100,
    clat_sum_ns=100 * 5000.0,
    slat_sum_ns=100 * 100.0,
    lat_sum_ns=100 * 5100.0,
    bins=((4000, 60), (6000, 40)),
)


def slice_at(end_s, **changes):
    return replace(SLICE, end_s=end_s, start_s=end_s - 0.25, **changes)


def by_metric(points):
    return {parse_path(point.path).metric: point for point in points}


def test_a_slice_has_every_metric_of_the_model():
    assert {metric for metric, _ in figures_of([SLICE])} == set(METRICS)


def test_slices_of_one_second_become_one_point_a_series():
    merger = SecondMerger(PLACE)
    slices = [slice_at(1000.2), slice_at(1000.45, ios=300, duration_s=0.75), slice_at(1000.99)]
    assert [merger.feed(each) for each in slices] == [(), (), ()]
    points = by_metric(merger.feed(slice_at(1001.24)))
    assert {point.second for point in points.values()} == {1000}
    # All I/Os over all their time: no mean of three rates, which would be 400.
    assert points["iops"].value == 500 / 1.25
    assert by_metric(merger.flush())["iops"].second == 1001
    assert merger.flush() == ()


def test_percentiles_of_a_second_are_of_its_merged_histogram():
    slow = slice_at(1000.9, bins=((90_000, 100),))
    figures = dict(figures_of([slice_at(1000.2), slow]))
    assert figures["clat_p50"] == 6000
    assert figures["clat_p95"] == figures["clat_max"] == 90_000
    # An average of the slices' own medians would say 47,000.
    assert figures["clat_mean"] == 5000


@given(
    st.lists(
        st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**6), max_size=30),
        min_size=1,
        max_size=4,
    )
)
def test_a_percentile_is_that_of_all_ios_together(histograms):
    slices = [slice_at(1000.5, bins=tuple(sorted(each.items()))) for each in histograms]
    figures = dict(figures_of(slices))
    pairs = np.array([pair for each in slices for pair in each.bins] or np.empty((0, 2)), dtype=int)
    values, counts = merge_bins(pairs[:, 0], pairs[:, 1])
    if len(values):
        assert figures["clat_p99_9"] == percentile_nearest_rank(values, counts, 0.999)
    else:
        assert "clat_p99_9" not in figures


def test_what_was_not_measured_has_no_point():
    idle = slice_at(
        1000.2, ios=0, bytes=0, clat_count=0, clat_sum_ns=0, slat_sum_ns=0, lat_sum_ns=0, bins=()
    )
    assert dict(figures_of([idle])) == {"iops": 0.0, "bandwidth": 0.0}
    assert "slat_mean" not in dict(figures_of([slice_at(1000.2, slat_sum_ns=0.0)]))


def test_streams_do_not_mix():
    merger = SecondMerger(PLACE)
    others = [{"agent": "agent-02"}, {"target": 1}, {"op": Op.WRITE}, {}]
    for number, changes in enumerate(others):
        merger.feed(slice_at(1000.5, ios=100 * (number + 1), **changes))
    rates = {
        (series.agent, series.target, series.op): point.value
        for point in merger.flush()
        if (series := parse_path(point.path)).metric == "iops"
    }
    assert rates == {
        ("agent-02", "target-0", "read"): 400,
        ("agent-01", "target-1", "read"): 800,
        ("agent-01", "target-0", "write"): 1200,
        ("agent-01", "target-0", "read"): 1600,
    }


def test_a_hosts_figures_are_weighted_by_their_time():
    samples = [
        SensorSample(trial="t", agent="a", start_s=0, end_s=1, figures=(("cpu.user", 1.0),)),
        SensorSample(trial="t", agent="a", start_s=1, end_s=4, figures=(("cpu.user", 2.0),)),
    ]
    assert dict(means_of(samples)) == {"cpu.user": 1.75}


def test_a_host_has_one_point_a_second_and_sensor():
    merger = SecondMerger(PLACE)
    for end_s in (1000.2, 1000.7, 1001.2):
        figures = (("disk.vda.busy", 0.5), ("load.1m", math.nan))
        points = merger.feed_sample(
            SensorSample(trial="t", agent="a", start_s=end_s - 0.5, end_s=end_s, figures=figures)
        )
    assert [(point.value, point.second) for point in points] == [(0.5, 1000)]
    assert parse_path(points[0].path).sensor == "disk.vda.busy"
    assert len(merger.flush_samples()) == 1


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, -math.inf, True, False, None, "7", 1j),
        *(np.float64("nan"), np.float32("inf"), np.True_, np.array([1])),
    ],
    ids=repr,
)
def test_what_is_no_finite_number_yields_no_point(value):
    assert plain_number(value) is None
    assert point_of(SERIES, value, 1000) == ()


@pytest.mark.parametrize("value", [np.float64(1.5), np.float32(1.5), np.int64(3), 7, 2.5])
def test_a_number_becomes_pythons_own(value):
    number = plain_number(value)
    assert type(number) in {int, float}
    assert number == value


@pytest.mark.parametrize("at_s", [math.nan, math.inf, -1.0, 0.0, 2**32, 1e20])
def test_a_time_that_cannot_be_kept_yields_no_point(at_s):
    assert point_of(SERIES, 1, at_s) == ()


def test_a_point_has_a_whole_second():
    (point,) = point_of(SERIES, 1, 1000.999)
    assert point.second == 1000
    assert type(point.second) is int
