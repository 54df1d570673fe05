"""From intervals and samples to entries: right figures, one of each second and stream."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.frames import FrameError, FrameReader
from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.model.metric import METRICS
from storperf.sinks.entries import (
    Fold,
    Points,
    Slice,
    count_of,
    decode,
    encode,
    figures_of,
    points_of,
    slice_of,
)
from storperf.sinks.paths import parse_path
from storperf.sinks.seconds import Place, SecondMerger, means_of
from storperf.stats.histogram import merge_bins, percentile_nearest_rank

PLACE = Place(lab="local", job="job", side="candidate")
PATH = "storperf.live.local.job.candidate.agent-01.target-0.read"
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


def figures(slices, older=""):
    return dict(figures_of(slice_of(PATH, older, 1000, slices)))


def by_metric(entries):
    points = [point for entry in entries for point in points_of(entry)]
    return {parse_path(point.path).metric: point for point in points}


def test_a_slice_has_every_metric_of_the_model():
    assert set(figures([SLICE])) == {*METRICS, "outstanding"}


def test_outstanding_is_littles_law():
    # 100 I/Os of 5100 ns each in 250 ms.
    assert figures([SLICE])["outstanding"] == pytest.approx(100 * 5.1e-6 / 0.25)


def test_slices_of_one_second_become_one_point_a_series():
    merger = SecondMerger(PLACE)
    assert merger.feed(slice_at(1000.2)) == ()
    assert merger.feed(slice_at(1000.45, ios=300, duration_s=0.75)) == ()
    # The next one cannot end in the same second: nobody waits for it.
    points = by_metric(merger.feed(slice_at(1000.99)))
    assert {point.second for point in points.values()} == {1000}
    # All I/Os over all their time: no mean of three rates, which would be 400.
    assert points["iops"].value == 500 / 1.25
    assert merger.feed(slice_at(1001.24)) == ()
    assert by_metric(merger.flush())["iops"].second == 1001
    assert merger.flush() == ()


def test_a_second_that_gets_another_interval_after_all_is_given_again_whole():
    merger = SecondMerger(PLACE)
    first = by_metric(merger.feed(slice_at(1000.9)))
    again = by_metric(merger.feed(replace(slice_at(1000.97), start_s=1000.9, ios=7)))
    assert first["iops"].value == 400
    assert again["iops"].value == 107 / 0.5
    assert merger.flush() == ()


def test_an_interval_of_an_impossible_time_is_left_out():
    merger = SecondMerger(PLACE)
    for end_s in (math.nan, math.inf, -5.0, 0.3, 2.0**40):
        assert merger.feed(replace(SLICE, start_s=0.0, end_s=end_s)) == ()
    assert merger.flush() == ()


def test_percentiles_of_a_second_are_of_its_merged_histogram():
    slow = slice_at(1000.9, bins=((90_000, 100),))
    found = figures([slice_at(1000.2), slow])
    assert found["clat_p50"] == 6000
    assert found["clat_p95"] == found["clat_max"] == 90_000
    # An average of the slices' own medians would say 47,000.
    assert found["clat_mean"] == 5000


@given(
    st.lists(
        st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**6), max_size=30),
        min_size=1,
        max_size=4,
    )
)
def test_a_percentile_is_that_of_all_ios_together(histograms):
    slices = [slice_at(1000.5, bins=tuple(sorted(each.items()))) for each in histograms]
    found = figures(slices)
    pairs = np.array([pair for each in slices for pair in each.bins] or np.empty((0, 2)), dtype=int)
    values, counts = merge_bins(pairs[:, 0], pairs[:, 1])
    if len(values):
        assert found["clat_p99_9"] == percentile_nearest_rank(values, counts, 0.999)
    else:
        assert "clat_p99_9" not in found


def test_what_was_not_measured_has_no_point():
    idle = slice_at(
        1000.2, ios=0, bytes=0, clat_count=0, clat_sum_ns=0, slat_sum_ns=0, lat_sum_ns=0, bins=()
    )
    assert figures([idle]) == {"iops": 0.0, "bandwidth": 0.0}
    assert "slat_mean" not in figures([slice_at(1000.2, slat_sum_ns=0.0)])


def test_streams_do_not_mix():
    merger = SecondMerger(PLACE)
    others = [{"agent": "agent-02"}, {"target": 1}, {"op": Op.WRITE}, {}]
    for number, changes in enumerate(others):
        merger.feed(slice_at(1000.5, ios=100 * (number + 1), **changes))
    rates = {
        (series.agent, series.target, series.op): point.value
        for entry in merger.flush()
        for point in points_of(entry)
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
    ((path, value, second),) = points[0].points
    assert (value, second) == (0.5, 1000)
    assert parse_path(path).sensor == "disk.vda.busy"
    assert len(merger.flush()) == 1


AMOUNTS = st.one_of(st.just(0.0), st.floats(1e-9, 1e15))
SLICES = st.builds(
    Slice,
    path=st.just(PATH),
    older=st.sampled_from(["", "job.rr.queue-depth.1.block-size.4096.agent-01.jobs.1.read"]),
    second=st.integers(1, 2**32 - 1),
    length_s=st.sampled_from([1, 10]),
    **dict.fromkeys(
        ("duration_s", "ios", "bytes", "clat_sum_ns", "slat_sum_ns", "lat_sum_ns"), AMOUNTS
    ),
    clat_count=st.integers(0, 10**12),
    bins=st.dictionaries(st.integers(1, 10**12), st.integers(1, 10**9), max_size=20).map(
        lambda bins: tuple(number for pair in sorted(bins.items()) for number in pair)
    ),
)


@given(SLICES)
def test_points_are_counted_without_being_made(entry):
    assert count_of(entry) == len(points_of(entry))


@given(SLICES)
def test_an_entry_comes_out_of_its_frame_as_it_went_in(entry):
    reader = FrameReader()
    assert [decode(*frame) for frame in reader.feed_raw(encode(entry))] == [entry]


def test_points_come_out_of_their_frame_as_they_went_in():
    entry = Points(fold=Fold.LAST, points=(("a.b", 1, 5), ("c", 0.1, 2**32 - 1)))
    reader = FrameReader()
    assert [decode(*frame) for frame in reader.feed_raw(encode(entry))] == [entry]


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xc1", b"\x91\xa5other"])
def test_a_frame_that_holds_no_entry_is_damage(payload):
    with pytest.raises(FrameError, match="no entry"):
        decode(16, payload)


def test_a_probe_s_samples_count_alike_and_leave_the_sensors_of_their_second_alone():
    merger = SecondMerger(PLACE)

    def sample(start_s, end_s, figures, probe=None):
        return SensorSample(
            trial="t001",
            agent="observed-01",
            start_s=start_s,
            end_s=end_s,
            figures=figures,
            probe=probe,
        )

    first = sample(1000.0, 1000.5, (("load.1m", 1.0),))
    quick = sample(999.2, 999.2, (("probe.a.x", 2.0),), probe="a")
    slow = sample(999.3, 999.9, (("probe.a.x", 4.0),), probe="a")
    assert [merger.feed_sample(each) for each in (first, quick, slow)] == [(), (), ()]
    found = {
        (point.path.split(".host.")[1], point.value, point.second)
        for entry in merger.flush()
        for point in points_of(entry)
    }
    assert found == {("load.1m", 1.0, 1000), ("probe.a.x", 3.0, 999)}
