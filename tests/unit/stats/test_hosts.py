"""A host's row: means over the window, each sample by its weight, and the gaps between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.host_row import HostMeans
from storperf.model.interval import SensorSample
from storperf.stats.hosts import HostSums, gaps, is_summed
from storperf.stats.table import SensorTable

CPU = {"cpu.user": 1.0, "cpu.idle": 2.0, "cpu.iowait": 1.0, "cpu.steal": 0.0}


def sample(start_s, end_s, figures, agent="agent-01", probe=None):
    return SensorSample(
        trial="t001",
        agent=agent,
        start_s=start_s,
        end_s=end_s,
        figures=tuple(figures.items()),
        probe=probe,
    )


def sums_of(*samples, window_s=None):
    sums = HostSums(window_s)
    for each in samples:
        sums.add(SensorTable.from_samples([each]))
    return sums


def test_rates_are_weighted_by_the_time_of_their_slice():
    sums = sums_of(sample(0, 1, {"load.1m": 4.0}), sample(1, 4, {"load.1m": 8.0}))
    assert sums.means("agent-01").load_1m == pytest.approx(7.0)


def test_processors_are_shares_of_all_that_there_are():
    means = sums_of(sample(0, 1, CPU)).means("agent-01")
    assert (means.cpu_busy, means.cpu_iowait, means.cpu_steal) == (0.25, 0.25, 0.0)


def test_device_and_network_are_those_of_the_busiest():
    figures = {"disk.sda.busy": 0.2, "disk.sdb.busy": 0.9, "net.eth0.receive_bytes": 5.0}
    means = sums_of(sample(0, 1, figures)).means("agent-01")
    assert (means.device_busy, means.receive_bytes_per_s) == (0.9, 5.0)
    assert means.transmit_bytes_per_s is None


def test_samples_outside_of_the_window_do_not_count():
    samples = (sample(at, at + 1, {"load.1m": float(at)}) for at in range(10))
    assert sums_of(*samples, window_s=(4.0, 7.0)).means("agent-01").load_1m == 5.0


def test_samples_of_a_probe_count_alike_however_long_they_took():
    sums = sums_of(
        sample(0, 3.0, {"probe.a.x": 1.0}, probe="a"),
        sample(4, 4.001, {"probe.a.x": 4.0}, probe="a"),
        sample(5, 5.0, {"probe.a.x": 7.0}, probe="a"),
    )
    (found,) = sums.probes("agent-01")
    assert (found.figure, found.mean, found.lowest, found.highest) == ("a.x", 4.0, 1.0, 7.0)
    assert found.samples == 3


def test_nothing_is_known_of_a_host_without_samples():
    sums = sums_of(sample(0, 1, CPU))
    assert sums.means("observed-01") == HostMeans()
    assert sums.probes("observed-01") == ()


def test_hosts_are_kept_apart():
    sums = sums_of(
        sample(0, 1, {"load.1m": 1.0}), sample(0, 1, {"load.1m": 9.0}, agent="observed-01")
    )
    assert sums.means("agent-01").load_1m == 1.0
    assert sums.means("observed-01").load_1m == 9.0


@pytest.mark.parametrize("figure", ["disk.sda.reads", "net.eth0.drops", "cpu.context_switches"])
def test_what_has_no_place_in_a_row_is_not_read(figure):
    assert not is_summed(figure)


def table_of(*slices):
    return SensorTable.from_samples(sample(start, end, {"load.1m": 1.0}) for start, end in slices)


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([(at, at + 1) for at in range(10)], ()),
        ([], ((0.0, 10.0),)),
        ([(0, 1), (1, 2), (8, 9), (9, 10)], ((2.0, 8.0),)),
        ([(5, 6)], ((0.0, 5.0), (6.0, 10.0))),
        ([(0, 1), (3, 4), (6, 7), (9, 10)], ()),
        ([(0, 4), (6, 20)], ()),
        ([(12, 13)], ((0.0, 10.0),)),
    ],
)
def test_a_gap_is_where_no_sample_is_for_too_long(slices, expected):
    assert gaps(table_of(*slices), "agent-01", (0.0, 10.0), 2.0) == expected


def test_a_host_that_told_nothing_is_one_gap():
    assert gaps(table_of((0, 1)), "observed-01", (0.0, 10.0), 2.0) == ((0.0, 10.0),)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), max_size=20), st.floats(0.1, 5))
def test_gaps_lie_in_the_span_in_order_and_touch_no_sample(slices, longest_s):
    table = table_of(*((start, start + length) for start, length in slices))
    found = gaps(table, "agent-01", (0.0, 10.0), longest_s)
    assert list(found) == sorted(found)
    for start_s, end_s in found:
        assert 0 <= start_s < end_s <= 10
        assert end_s - start_s > longest_s
        for begin, length in slices:
            assert begin + length <= start_s or begin >= end_s
