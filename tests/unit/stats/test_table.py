"""Rows of a table, chosen and bared of their histograms."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from unit.stats.builders import make_intervals, make_table

from storperf.stats.table import ROWS, IntervalTable

INTERVALS = [
    *make_intervals([1000.0, 10.0, 7.0], latency_ns=300),
    *make_intervals([5.0, 6.0], agent="agent-02", latency_ns=700),
]


@given(st.lists(st.booleans(), min_size=len(INTERVALS), max_size=len(INTERVALS)))
def test_chosen_rows_are_those_that_a_table_of_them_alone_has(chosen):
    table = make_table(INTERVALS)
    found = table.where(np.array(chosen))
    kept = [interval for interval, is_kept in zip(INTERVALS, chosen, strict=True) if is_kept]
    alone = IntervalTable.from_intervals(kept)
    assert [table.agents[n] for n in found.agent] == [alone.agents[n] for n in alone.agent]
    for name in (*ROWS, "bin_offset", "bin_value_ns", "bin_count"):
        if name != "agent":
            assert np.array_equal(getattr(found, name), getattr(alone, name)), name
    assert found.ops() == alone.ops()


def test_rows_that_follow_each_other_are_not_copied():
    table = make_table(INTERVALS)
    found = table.where(np.array([False, True, True, True, False]))
    assert np.shares_memory(found.ios, table.ios)
    assert np.shares_memory(found.bin_count, table.bin_count)


def test_rows_without_histograms_are_the_rows():
    table = make_table(INTERVALS)
    bare = table.without_bins()
    assert len(bare) == len(table)
    assert (len(bare.bin_count), bare.bin_offset.tolist()) == (0, [0] * (len(table) + 1))
    assert np.array_equal(bare.where(bare.ios > 6).ios, table.where(table.ios > 6).ios)
