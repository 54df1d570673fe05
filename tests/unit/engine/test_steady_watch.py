"""Rounds over several streams, and when the watch says steady."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.engine.round_sums import RoundSums
from storperf.engine.steady_watch import SteadyWatch
from storperf.model.ending import SteadyRule
from storperf.model.interval import Interval
from storperf.model.job import Op, Workload

# The published log of SNIA's test specification: steady by both figures.
GOLDEN = (228.90, 240.21, 240.60, 240.71, 240.71)
RULE = SteadyRule(round_s=10.0, rounds=5, range_limit=0.20, slope_limit=0.10)
RANDREAD = Workload(name="rr", options=(("rw", "randread"),))
MIXED = Workload(name="mix", options=(("rw", "randrw"),))
SEQUENTIAL = Workload(name="ws", options=(("rw", "write"),))


def an_interval(start_s, end_s, ios, *, size=4096, **more):
    values = {"agent": "agent-01", "target": 0, "op": Op.READ, **more}
    return Interval(
        trial="t001",
        attempt=1,
        index=0,
        start_s=start_s,
        end_s=end_s,
        duration_s=end_s - start_s,
        ios=ios,
        bytes=ios * size,
        clat_count=ios,
        clat_sum_ns=ios * 1000,
        slat_sum_ns=0,
        lat_sum_ns=ios * 1000,
        bins=(),
        **values,
    )


def feed_rounds(watch, values, *, begin_s=1000.0, pieces=10, **more):
    """Feed rounds of so many I/Os a second; the number of rounds after which it was steady."""
    steady_after = None
    for number, value in enumerate(values):
        for piece in range(pieces):
            start_s = begin_s + 10 * number + 10 * piece / pieces
            watch.feed(an_interval(start_s, start_s + 10 / pieces, value * 10 / pieces, **more))
        if watch.is_met and steady_after is None:
            steady_after = number + 1
    return steady_after


def test_the_golden_window_is_steady_with_its_last_round_and_not_before():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, GOLDEN) == 5
    assert watch.rounds[Op.READ] == pytest.approx(list(GOLDEN))


def test_before_a_whole_window_nothing_is_steady():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, [100.0] * 4) is None
    watch.feed(an_interval(1040.0, 1049.99, 999))
    assert not watch.is_met


def test_a_drift_is_never_steady():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, [100.0 * 0.9**n for n in range(20)]) is None


def test_it_becomes_steady_when_the_last_five_rounds_are():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, [900, 700, 500, 300, 100, 100, 100, 100, 100, 100]) == 9


def test_what_was_steady_and_is_no_longer_is_not_steady():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    feed_rounds(watch, [100] * 5)
    assert watch.is_met
    feed_rounds(watch, [10, 1000], begin_s=1050.0)
    assert not watch.is_met


def test_a_steady_window_between_two_intervals_is_not_missed():
    watch = SteadyWatch(RANDREAD, RULE, streams=2)
    feed_rounds(watch, [100] * 5 + [10, 1000])
    # The other stream comes all at once: its interval closes seven rounds.
    watch.feed(an_interval(1000.0, 1070.0, 70, agent="agent-02"))
    assert watch.is_met


def test_a_storage_that_hangs_is_not_steady():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, [0.0] * 12) is None
    assert feed_rounds(watch, [100.0] * 5, begin_s=1120.0) == 5


def test_the_range_counts_even_without_a_slope():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    assert feed_rounds(watch, [100, 100, 70, 100, 100]) is None


def test_an_interval_is_shared_out_to_the_rounds_that_it_overlaps():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    watch.feed(an_interval(1000.0, 1004.0, 40))
    watch.feed(an_interval(1004.0, 1012.0, 80))  # three quarters in the first round
    watch.feed(an_interval(1012.0, 1020.0, 160))
    assert watch.rounds[Op.READ] == pytest.approx([10.0, 18.0])


def test_an_interval_longer_than_a_round_is_in_all_of_them():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    watch.feed(an_interval(1000.0, 1035.0, 350))
    assert watch.rounds[Op.READ] == pytest.approx([10.0, 10.0, 10.0])


def test_a_round_counts_when_the_slowest_stream_has_passed_its_end():
    watch = SteadyWatch(RANDREAD, RULE, streams=2)
    feed_rounds(watch, [100.0] * 6, agent="agent-01")
    assert not watch.is_met
    assert watch.rounds[Op.READ] == []
    feed_rounds(watch, [50.0] * 4, agent="agent-02")
    assert watch.rounds[Op.READ] == pytest.approx([150.0] * 4)
    assert not watch.is_met
    feed_rounds(watch, [50.0], agent="agent-02", begin_s=1040.0)
    assert watch.rounds[Op.READ] == pytest.approx([150.0] * 5)
    assert watch.is_met


def test_targets_of_one_agent_are_streams_of_their_own():
    watch = SteadyWatch(RANDREAD, RULE, streams=2)
    feed_rounds(watch, [100.0] * 5, target=0)
    assert not watch.is_met
    feed_rounds(watch, [100.0] * 5, target=1)
    assert watch.rounds[Op.READ] == pytest.approx([200.0] * 5)


def test_the_rounds_begin_when_the_last_stream_has():
    watch = SteadyWatch(RANDREAD, RULE, streams=2)
    feed_rounds(watch, [100.0] * 6, agent="agent-01")
    # Three seconds late: what the first one did alone is in no sum.
    feed_rounds(watch, [100.0] * 5, agent="agent-02", begin_s=1003.0)
    assert watch.rounds[Op.READ] == pytest.approx([200.0] * 5)


def test_streams_that_only_together_are_steady_are_steady():
    up, down = [100 + 10 * n for n in range(5)], [140 - 10 * n for n in range(5)]
    watch = SteadyWatch(RANDREAD, RULE, streams=2)
    feed_rounds(watch, up, agent="agent-01")
    feed_rounds(watch, down, agent="agent-02")
    assert watch.is_met


def test_a_gap_in_a_stream_is_seen_as_a_loss():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    feed_rounds(watch, [100.0] * 2)
    watch.feed(an_interval(1028.0, 1030.0, 200))
    feed_rounds(watch, [100.0] * 2, begin_s=1030.0)
    assert watch.rounds[Op.READ] == pytest.approx([100.0, 100.0, 20.0, 100.0, 100.0])
    assert not watch.is_met


def test_both_directions_of_a_mix_have_to_be_steady():
    watch = SteadyWatch(MIXED, RULE, streams=1)
    feed_rounds(watch, [100.0] * 5, op=Op.READ)
    feed_rounds(watch, [100.0, 80.0, 60.0, 40.0, 20.0], op=Op.WRITE)
    assert not watch.is_met
    steady = SteadyWatch(MIXED, RULE, streams=1)
    feed_rounds(steady, [100.0] * 5, op=Op.READ)
    feed_rounds(steady, [30.0] * 5, op=Op.WRITE)
    assert steady.is_met


def test_a_direction_that_the_workload_has_not_is_ignored():
    watch = SteadyWatch(RANDREAD, RULE, streams=1)
    feed_rounds(watch, [7.0] * 5, op=Op.WRITE)
    assert watch.rounds == {Op.READ: []}
    assert feed_rounds(watch, GOLDEN) == 5


def test_sequential_workloads_are_judged_by_bandwidth():
    watch = SteadyWatch(SEQUENTIAL, RULE, streams=1)
    # The same I/Os a second, ever smaller: the bandwidth falls.
    for number, size in enumerate((65536, 32768, 16384, 8192, 4096)):
        begin_s = 1000.0 + 10 * number
        feed_rounds(watch, [100.0], begin_s=begin_s, op=Op.WRITE, size=size)
    assert watch.rounds[Op.WRITE][0] == pytest.approx(6553600)
    assert not watch.is_met


@given(
    ios=st.lists(st.integers(0, 1000), min_size=5, max_size=60),
    lengths=st.lists(st.floats(0.1, 9.0), min_size=60, max_size=60),
)
def test_no_io_is_lost_or_counted_twice(ios, lengths):
    sums = RoundSums((Op.READ,), ("ios", "bytes"), 10.0, streams=1)
    start_s, closed = 1000.0, []
    for count, length_s in zip(ios, lengths, strict=False):
        closed += sums.feed(an_interval(start_s, start_s + length_s, count))
        start_s += length_s
    waiting = list(sums._sums.values())
    done = [each[Op.READ] for each in closed] + waiting
    assert sum(count for count, _ in done) == pytest.approx(sum(ios))
    assert sum(size for _, size in done) == pytest.approx(4096 * sum(ios))
    assert len(closed) == pytest.approx((start_s - 1000) // 10, abs=1)
