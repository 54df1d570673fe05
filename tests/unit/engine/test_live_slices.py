"""Intervals of many streams become one record a slice, each I/O counted once."""

from __future__ import annotations

import pytest

from storperf.engine.live_slices import LiveSlices


def interval(end_s, agent="agent-01", op="read", iops=100.0, p99=1000):
    return {
        "agent": agent,
        "target": 0,
        "op": op,
        "end_s": end_s,
        "iops": iops,
        "bandwidth": iops * 4096,
        "clat_p99_ns": p99,
    }


def told(slices, *heard):
    found = [each for facts in heard for each in slices.add(facts)]
    return [*found, *slices.rest()]


def sums(found, op="read"):
    return [each["ops"][op]["iops"] for each in found]


def test_streams_are_added_up():
    heard = [
        interval(at_s + late_s, agent, iops=iops)
        for at_s in (10.0, 11.0, 12.0)
        for agent, late_s, iops in (("agent-01", 0.0, 100.0), ("agent-02", 0.2, 50.0))
    ]
    found = told(LiveSlices(1.0, 1.0), *heard)
    assert sums(found) == [150.0] * 3
    assert [each["ops"]["read"]["streams"] for each in found] == [2] * 3
    assert [each["end_s"] for each in found] == [10.2, 11.2, 12.2]


def test_directions_stand_beside_each_other():
    heard = [interval(at_s, op=op) for at_s in (1.0, 2.0, 3.0) for op in ("read", "write")]
    assert [sorted(each["ops"]) for each in told(LiveSlices(1.0, 1.0), *heard)] == [
        ["read", "write"]
    ] * 3


def test_short_intervals_are_averaged_to_a_second_and_the_largest_p99_stays():
    values = (100.0, 200.0, 300.0, 400.0)
    heard = [
        interval(second + (quarter + 1) / 4, iops=values[quarter], p99=quarter)
        for second in range(5)
        for quarter in range(4)
    ]
    found = told(LiveSlices(0.25, 1.0), *heard)
    assert sums(found) == [250.0] * 5
    assert found[1]["ops"]["read"]["clat_p99_ns"] == 3


def test_long_intervals_are_slices_of_their_own():
    heard = [interval(60.0 * minute) for minute in range(1, 5)]
    assert len(told(LiveSlices(60.0, 1.0), *heard)) == 4


def test_a_slice_is_told_as_soon_as_all_have_said_it():
    slices = LiveSlices(1.0, 1.0)
    for at_s in (1.0, 2.0, 3.0):
        list(slices.add(interval(at_s, "agent-01")))
        list(slices.add(interval(at_s, "agent-02")))
    assert list(slices.add(interval(4.0, "agent-01"))) == []
    assert len(list(slices.add(interval(4.0, "agent-02")))) == 1


def test_a_stream_that_is_lost_holds_up_nobody_and_counts_twice_nowhere():
    slices = LiveSlices(1.0, 1.0)
    found = []
    for at_s in range(1, 21):
        found += slices.add(interval(float(at_s), "agent-01"))
        if at_s <= 5:
            found += slices.add(interval(float(at_s), "agent-02"))
    # What was heard late is not told again.
    for at_s in range(6, 12):
        found += slices.add(interval(float(at_s), "agent-02"))
    found += slices.rest()
    assert sums(found) == [200.0] * 5 + [100.0] * 15


@pytest.mark.parametrize("p99", [None, 5])
def test_a_latency_that_nobody_has_is_none(p99):
    (found,) = told(LiveSlices(1.0, 1.0), interval(1.0, p99=p99))
    assert found["ops"]["read"]["clat_p99_ns"] == p99
