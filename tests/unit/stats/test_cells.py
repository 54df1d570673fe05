"""Cells of time say what was measured in them and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op
from storperf.stats.cell_bins import CellBins, HeatSums
from storperf.stats.cells import (
    cell_of_rows,
    cut,
    envelope,
    host_series,
)
from storperf.stats.histogram import merge_bins, percentile_nearest_rank
from storperf.stats.series import summed_columns
from storperf.stats.table import IntervalTable, SensorTable

START_S = 1_790_000_000.0


def an_interval(index, bins=((1000, 10),), *, agent="agent-01", op=Op.READ, late_s=0.0):
    ios = sum(count for _, count in bins)
    return Interval(
        trial="t001",
        attempt=1,
        agent=agent,
        target=0,
        op=op,
        index=index,
        start_s=START_S + index + late_s,
        end_s=START_S + index + 1 + late_s,
        duration_s=1.0,
        ios=ios,
        bytes=4096 * ios,
        clat_count=ios,
        clat_sum_ns=float(sum(value * count for value, count in bins)),
        slat_sum_ns=0.0,
        lat_sum_ns=0.0,
        bins=tuple(bins),
    )


def a_table(*rows):
    return IntervalTable.from_intervals(rows)


def ends_of(table, op=Op.READ):
    return summed_columns(table, op, ("ios",), 1.0)[0]


def test_few_points_are_their_own_cells():
    cells = cut(ends_of(a_table(*(an_interval(n) for n in range(5)))), 1.0, 300)
    assert cells.count == 5
    assert cells.width_s == 1.0
    assert list(cells.middles_s() - START_S) == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5])


@given(st.integers(1, 2000), st.integers(2, 300))
def test_there_are_hardly_more_cells_than_wanted(count, most):
    ends = START_S + 1.0 + np.arange(count, dtype=np.float64)
    cells = cut(ends, 1.0, most)
    assert 1 <= cells.count <= most + 1
    assert len(cells.cell) == count
    assert np.all(np.diff(cells.cell) >= 0)


def test_no_points_make_no_cells():
    cells = cut(np.zeros(0), 1.0, 300)
    assert cells.count == 0
    assert list(cell_of_rows(a_table(an_interval(0)), Op.READ, cells)) == [-1]


def test_an_envelope_holds_lowest_median_and_highest():
    cells = cut(START_S + 1.0 + np.arange(6, dtype=np.float64), 1.0, 2)
    found = envelope(np.array([5.0, 1.0, 3.0, 10.0, 20.0, 60.0]), cells)
    assert list(found.low) == [1.0, 10.0]
    assert list(found.median) == [3.0, 20.0]
    assert list(found.high) == [5.0, 60.0]


def test_an_even_cell_has_the_mean_of_its_two_middle_values_for_median():
    cells = cut(START_S + 1.0 + np.arange(4, dtype=np.float64), 1.0, 2)
    assert list(envelope(np.array([1.0, 3.0, 10.0, 30.0]), cells).median) == [2.0, 20.0]


def fed(sums, rows, at_once):
    """Sums that took in so many rows at a time."""
    for start in range(0, len(rows), at_once):
        sums.add(a_table(*rows[start : start + at_once]))
    return sums


BINS = st.lists(
    st.tuples(st.integers(1, 10**9), st.integers(1, 1000)), max_size=8, unique_by=lambda b: b[0]
)


@given(st.lists(BINS, min_size=1, max_size=12), st.integers(1, 6), st.integers(1, 12))
def test_percentiles_of_a_cell_are_those_of_its_merged_histogram(histograms, most, at_once):
    rows = [an_interval(n, sorted(bins)) for n, bins in enumerate(histograms)]
    cells = cut(ends_of(a_table(*rows)), 1.0, most)
    shares = (0.5, 0.99, 0.999)
    found = fed(CellBins(Op.READ, cells), rows, at_once).percentiles(shares)
    for cell in range(cells.count):
        pairs = [
            pair
            for bins, own in zip(histograms, cells.cell, strict=True)
            if own == cell
            for pair in bins
        ]
        for share, line in zip(shares, found, strict=True):
            if not pairs:
                assert np.isnan(line[cell])
                continue
            values, counts = (
                np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True)
            )
            expected = percentile_nearest_rank(*merge_bins(values, counts), share)
            assert line[cell] == expected


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_a_heat_map_holds_every_io_once(at_once):
    rows = [
        an_interval(0, ((1000, 3), (2000, 4))),
        an_interval(1, ((1_000_000, 5),)),
        an_interval(1, ((1_000_000, 7),), agent="agent-02"),
        an_interval(0, ((1000, 1),), agent="agent-02"),
    ]
    cells = cut(ends_of(a_table(*rows)), 1.0, 100)
    found = fed(HeatSums(Op.READ, cells, None), rows, at_once).heat_map()
    assert found.counts.sum() == 20
    assert found.counts.sum(axis=0).tolist() == [8, 12]
    assert len(found.edges_ns) == len(found.counts) + 1
    assert found.edges_ns[0] <= 1000 < found.edges_ns[1]
    assert found.edges_ns[-2] <= 1_000_000 < found.edges_ns[-1]
    assert found.kept.tolist() == found.counts.sum(axis=1).tolist()


def test_the_kept_part_of_a_heat_map_is_of_the_rows_in_the_window():
    rows = [an_interval(n, ((1000, 10**n),)) for n in range(4)]
    cells = cut(ends_of(a_table(*rows)), 1.0, 100)
    window_s = (START_S + 1, START_S + 3)
    found = fed(HeatSums(Op.READ, cells, window_s), rows, 2).heat_map()
    assert (found.counts.sum(), found.kept.tolist()) == (1111, [110])


def test_latencies_of_nothing_and_of_centuries_have_a_place():
    row = an_interval(0, ((0, 1), (2**63 - 1, 1)))
    found = fed(HeatSums(Op.READ, cut(ends_of(a_table(row)), 1.0, 1), None), [row], 1).heat_map()
    assert (found.counts[0].tolist(), found.counts[-1].tolist()) == ([1], [1])


def test_a_direction_without_io_has_no_heat_map():
    cells = cut(ends_of(a_table(an_interval(0))), 1.0, 100)
    found = fed(HeatSums(Op.WRITE, cells, None), [an_interval(0)], 1).heat_map()
    assert found.counts.shape == (0, 1)
    assert (len(found.edges_ns), len(found.kept)) == (0, 0)


def test_a_slice_between_the_points_belongs_to_none():
    table = a_table(an_interval(0), an_interval(1), an_interval(9))
    cells = cut(ends_of(table)[:2], 1.0, 100)
    assert list(cell_of_rows(table, Op.READ, cells)) == [0, 1, -1]


def sensors_of(*samples):
    return SensorTable.from_samples(
        SensorSample(
            trial="t001",
            agent=agent,
            start_s=START_S + second,
            end_s=START_S + second + 1,
            figures=figures,
        )
        for agent, second, figures in samples
    )


def test_samples_of_one_agent_stay_as_they_are_and_unknown_ones_unknown():
    sensors = sensors_of(
        ("a", 0, (("x", 1.0), ("y", 5.0))), ("a", 1, (("y", 6.0),)), ("a", 2, (("x", 3.0),))
    )
    times, lines = host_series(sensors, sensors.figures, 1.0)
    assert list(times - START_S) == [0.5, 1.5, 2.5]
    np.testing.assert_equal(lines["x"], [1.0, np.nan, 3.0])
    np.testing.assert_equal(lines["y"], [5.0, 6.0, np.nan])


def test_of_several_agents_the_busiest_is_taken():
    sensors = sensors_of(
        ("a", 0, (("x", 1.0),)),
        ("a", 1, (("x", 9.0),)),
        ("b", 0, (("x", 4.0),)),
        ("b", 1, (("x", 2.0),)),
    )
    assert list(host_series(sensors, sensors.figures, 1.0)[1]["x"]) == [4.0, 9.0]


def test_a_long_cell_has_the_average():
    sensors = sensors_of(*(("a", n, (("x", float(n)),)) for n in range(4)))
    assert list(host_series(sensors, sensors.figures, 2.0)[1]["x"]) == [0.5, 2.5]


def test_no_samples_make_no_series():
    assert host_series(sensors_of(), {}, 1.0)[1] == {}
