"""Old seconds become coarser points of all their I/Os, never an average of percentiles."""

from __future__ import annotations

import pytest

from storperf.sinks.entries import Slice, figures_of
from storperf.sinks.past_points import coarser

BEGIN = 1_700_000_000


def second(number, ios, latency_ns, path="a"):
    return Slice(
        path=path,
        older="",
        second=BEGIN + number,
        length_s=1,
        duration_s=1.0,
        ios=ios,
        bytes=ios * 4096,
        clat_count=ios,
        clat_sum_ns=ios * latency_ns,
        slat_sum_ns=0.0,
        lat_sum_ns=ios * latency_ns,
        bins=(latency_ns, ios),
    )


def test_ten_seconds_are_one_with_the_percentiles_of_all_their_ios():
    # 990 fast I/Os in nine seconds, 10 slow ones in the tenth: p99 is fast, p99.9 is slow.
    slices = [second(number, 110, 1000) for number in range(9)] + [second(9, 10, 500_000)]
    (merged,) = coarser(slices, 10)
    figures = dict(figures_of(merged))
    assert (merged.second, merged.length_s) == (BEGIN, 10)
    assert figures["iops"] == pytest.approx(100)
    assert figures["clat_mean"] == pytest.approx((990 * 1000 + 10 * 500_000) / 1000)
    assert (figures["clat_p99"], figures["clat_p99_9"]) == (1000, 500_000)


def test_a_bucket_begins_where_graphites_does():
    slices = [second(number, 1, 1000) for number in range(7, 25)]
    assert [each.second - BEGIN for each in coarser(slices, 10)] == [0, 10, 20]


def test_streams_are_kept_apart_and_a_second_that_is_given_twice_counts_once():
    slices = [second(0, 5, 10), second(0, 7, 10, "b"), second(0, 6, 10)]
    merged = {each.path: each.ios for each in coarser(slices, 10)}
    assert merged == {"a": 6, "b": 7}


def test_seconds_stay_seconds_where_they_are_kept():
    slices = [second(number, 1, 1000) for number in range(5)]
    assert list(coarser(slices, 1)) == slices
