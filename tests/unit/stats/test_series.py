"""The sum over agents and targets."""

import numpy as np
import pytest
from unit.stats.builders import make_intervals, make_table

from storperf.model.job import Op
from storperf.stats.series import common_window, summed_rounds, summed_series
from storperf.stats.table import IntervalTable


def series(*groups, op=Op.READ, metric="iops"):
    return summed_series(make_table(*groups), op, metric, 1.0)


def test_one_stream_is_just_what_was_measured():
    times, values = series(make_intervals([100.0, 200.0, 300.0]))
    assert times.tolist() == [1001.0, 1002.0, 1003.0]
    assert values.tolist() == [100.0, 200.0, 300.0]


def test_bandwidth_is_bytes_per_second():
    assert series(make_intervals([10.0]), metric="bandwidth")[1].tolist() == [40960.0]


def test_short_stub_is_left_out_and_a_short_first_slice_counts_as_its_rate():
    times, values = series(make_intervals([100.0, 200.0, 50.0], slice_s=[0.9, 1.0, 0.1]))
    assert times == pytest.approx([1000.9, 1001.9])
    assert values == pytest.approx([100.0, 200.0])


def test_slice_of_three_intervals_counts_three_times():
    values = series(make_intervals([100.0, 40.0, 100.0], slice_s=[1.0, 3.0, 1.0]))[1]
    assert values.tolist() == [100.0, 40.0, 40.0, 40.0, 100.0]


def test_streams_are_summed_over_their_common_time_only():
    long = make_intervals([100.0] * 10)
    short = make_intervals([50.0] * 4, agent="agent-02", start_s=1003.0)
    times, values = series(long, short)
    assert times.tolist() == [1004.0, 1005.0, 1006.0, 1007.0]
    assert values.tolist() == [150.0] * 4


def test_shifted_slices_are_shared_out_by_time():
    one = make_intervals([100.0] * 4)
    two = make_intervals([0.0, 40.0, 80.0, 120.0], target=1, start_s=1000.5 - 1.0)
    times, values = series(one, two)
    assert times.tolist() == [1001.0, 1002.0, 1003.0]
    assert values == pytest.approx([120.0, 160.0, 200.0])


def test_gap_of_one_stream_is_left_out_and_never_filled():
    one = make_intervals([100.0] * 5)
    two = [row for row in make_intervals([50.0] * 5, target=1) if row.index != 2]
    times, values = series(one, two)
    assert times.tolist() == [1001.0, 1002.0, 1004.0, 1005.0]
    assert values == pytest.approx([150.0] * 4)


def test_order_of_rows_does_not_matter():
    rows = make_intervals([100.0, 200.0, 300.0]) + make_intervals([1.0, 2.0, 3.0], target=1)
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    assert series(rows)[1] == pytest.approx(series(shuffled)[1])


def test_direction_without_rows_has_an_empty_series():
    times, values = series(make_intervals([100.0]), op=Op.WRITE)
    assert len(times) == len(values) == 0
    assert common_window(IntervalTable.from_intervals([])) == (0.0, 0.0)


def test_rounds_share_a_spanning_slice_out_by_time():
    table = make_table(make_intervals([100.0] * 3 + [200.0] * 3))
    rounds = summed_rounds(table, Op.READ, "iops", 1000.0, 2.5)
    assert rounds == pytest.approx([100.0, 180.0])


def test_rounds_are_summed_over_streams():
    table = make_table(
        make_intervals([100.0] * 10), make_intervals([50.0] * 10, agent="agent-02", start_s=1000.4)
    )
    rounds = summed_rounds(table, Op.READ, "iops", 1000.4, 3.0)
    assert rounds == pytest.approx([150.0] * 3)


def test_round_that_a_stream_hardly_covers_is_unknown():
    rows = [row for row in make_intervals([100.0] * 9) if not 3 <= row.index < 6]
    rounds = summed_rounds(make_table(rows), Op.READ, "iops", 1000.0, 3.0)
    assert np.isnan(rounds).tolist() == [False, True, False]


def test_direction_without_rows_has_unknown_rounds_not_zero():
    table = make_table(make_intervals([100.0] * 9))
    assert np.isnan(summed_rounds(table, Op.WRITE, "iops", 1000.0, 3.0)).all()
