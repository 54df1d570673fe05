"""Intervals as columns: each slice, a part of them, or many in one row."""

from __future__ import annotations

import pytest

from storperf.errors import TooMuch
from storperf.model.interval import Interval
from storperf.model.job import Op
from storperf.stats.interval_columns import interval_columns
from storperf.stats.table import IntervalTable


def table(*rows):
    """Rows of (agent, second, I/Os, sum of clat in ns); reads of 4 KiB."""
    return IntervalTable.from_intervals(
        Interval(
            trial="t1",
            attempt=1,
            agent=agent,
            target=0,
            op=Op.READ,
            index=0,
            start_s=float(second),
            end_s=second + 1.0,
            duration_s=1.0,
            ios=ios,
            bytes=4096 * ios,
            clat_count=ios,
            clat_sum_ns=float(clat_ns),
            slat_sum_ns=0.0,
            lat_sum_ns=0.0,
            bins=(),
        )
        for agent, second, ios, clat_ns in rows
    )


TWO = table(("agent-01", 10, 5, 50), ("agent-02", 10, 15, 450), ("agent-01", 11, 0, 0))
MORE = table(("agent-01", 12, 1, 9), ("agent-02", 19, 2, 8))


def columns(**changes):
    asked = {"from_s": None, "until_s": None, "every_s": None, "most": 5}
    return interval_columns([TWO, MORE], **asked | changes)


def test_each_slice_is_a_row_and_no_io_has_no_mean():
    found = columns()
    assert found.agent == ("agent-01", "agent-02", "agent-01", "agent-01", "agent-02")
    assert found.ios == (5, 15, 0, 1, 2)
    assert found.clat_mean_ns == (10.0, 30.0, None, 9.0, 4.0)


def test_only_slices_that_begin_in_the_time_are_given():
    assert columns(from_s=11.0, until_s=19.0).start_s == (11.0, 12.0)
    assert columns(from_s=100.0).ios == ()


def test_so_many_seconds_are_summed_over_all_agents():
    found = columns(every_s=10.0)
    assert found.agent == (None,)
    assert (found.start_s, found.end_s) == ((10.0,), (20.0,))
    assert (found.ios, found.bytes) == ((23,), (23 * 4096,))
    assert found.clat_mean_ns == pytest.approx((517 / 23,))
    assert columns(every_s=2.0).ios == (20, 1, 2)


@pytest.mark.parametrize("every_s", [None, 1.0])
def test_more_rows_than_are_given_at_once_are_refused(every_s):
    with pytest.raises(TooMuch, match="more than 2 rows"):
        columns(every_s=every_s, most=2)


def test_the_intervals_of_a_trial_are_read_from_its_file(get, runs):
    stored = [
        (run, trial)
        for run in runs
        for trial in get(f"runs/{run}/trials")["trials"]
        if any("intervals/" in each["path"] for each in get(f"runs/{run}/artefacts")["artefacts"])
    ]
    run, trial = stored[0]
    found = get(f"runs/{run}/trials/{trial['id']}/intervals")
    assert {len(column) for column in found["columns"].values()} == {len(found["columns"]["op"])}
    assert sum(found["columns"]["ios"]) > 0
    merged = get(f"runs/{run}/trials/{trial['id']}/intervals", every=1e6)
    assert sum(merged["columns"]["ios"]) == sum(found["columns"]["ios"])
    none = get(f"runs/{run}/trials/{trial['id']}/intervals", until="2001-01-01")
    assert none["columns"]["ios"] == []
