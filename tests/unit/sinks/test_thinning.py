"""Ten seconds become one point of all their I/Os; nothing is averaged that must not be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.sinks.entries import Fold, Points, Slice, figures_of
from storperf.sinks.thinning import thin
from storperf.stats.histogram import merge_bins, percentile_nearest_rank


def second_of(second, path="a.read", bins=((4000, 60), (6000, 40)), **changes):
    count = sum(each for _, each in bins)
    fields = {
        "path": path,
        "older": "",
        "second": second,
        "length_s": 1,
        "duration_s": 1.0,
        "ios": count,
        "bytes": count * 4096,
        "clat_count": count,
        "clat_sum_ns": float(sum(value * each for value, each in bins)),
        "slat_sum_ns": 0.0,
        "lat_sum_ns": float(sum(value * each for value, each in bins)),
        "bins": tuple(number for pair in sorted(bins) for number in pair),
    }
    return Slice(**fields | changes)


def thinned(entries):
    return list(thin(lambda: iter(entries)))


def test_a_whole_window_becomes_one_slice_and_the_rest_stays():
    entries = [second_of(second) for second in range(1000, 1013)]
    *rest, window = thinned(entries)
    assert rest == entries[10:]
    assert (window.second, window.length_s) == (1000, 10)
    assert dict(figures_of(window))["iops"] == 100
    assert dict(figures_of(window))["bandwidth"] == 409_600


@given(
    st.lists(
        st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**5), min_size=1, max_size=20),
        min_size=1,
        max_size=10,
    )
)
def test_a_percentile_of_ten_seconds_is_that_of_their_merged_histogram(histograms):
    seconds = [
        second_of(1000 + number, bins=tuple(bins.items())) for number, bins in enumerate(histograms)
    ]
    _, window = thinned([*seconds, second_of(1010)])
    pairs = np.array([pair for bins in histograms for pair in bins.items()])
    values, counts = merge_bins(pairs[:, 0], pairs[:, 1])
    found = dict(figures_of(window))
    for key, q in {"clat_p50": 0.5, "clat_p99": 0.99, "clat_p99_99": 0.9999}.items():
        assert found[key] == percentile_nearest_rank(values, counts, q)
    assert found["clat_mean"] == pytest.approx((values * counts).sum() / counts.sum())


def test_rates_are_over_the_time_that_the_slices_took():
    short = second_of(1000, duration_s=0.5, ios=500)
    _, window = thinned([short, second_of(1001, ios=100), second_of(1010)])
    assert dict(figures_of(window))["iops"] == 600 / 1.5


def test_a_second_that_is_there_twice_counts_once():
    twice = [second_of(1000), second_of(1000), second_of(1010)]
    assert thinned(twice)[1].ios == 100


def test_a_second_that_is_given_again_whole_counts_as_a_whole():
    again = [second_of(1000, ios=60), second_of(1000, ios=100), second_of(1001), second_of(1010)]
    assert thinned(again)[1].ios == 200


def test_streams_do_not_mix_and_each_has_its_own_end():
    entries = [second_of(1000), second_of(1000, path="b.read"), second_of(1015)]
    assert thinned(entries) == [
        second_of(1000, path="b.read"),
        second_of(1015),
        second_of(1000, length_s=10),
    ]


def test_what_is_thin_already_stays():
    entries = [second_of(1000, length_s=10), second_of(1010, length_s=10), second_of(1020)]
    assert thinned(entries) == entries


@dataclass(frozen=True)
class Case:
    fold: Fold
    expected: list


@pytest.mark.parametrize(
    "case",
    [
        Case(Fold.MEAN, [("s", 2.0, 1000)]),
        Case(Fold.LAST, [("s", 3, 1000)]),
        Case(Fold.NEVER, [("s", 1, 1000), ("s", 2, 1001), ("s", 3, 1002)]),
    ],
    ids=lambda case: case.fold,
)
def test_plain_points_are_folded_as_they_say(case):
    entries = [
        Points(fold=case.fold, points=(("s", number, 999 + number),)) for number in (1, 2, 3, 11)
    ]
    found = [point for entry in thinned(entries) for point in entry.points]
    later = ("s", 11, 1010)
    assert sorted(found, key=lambda point: point[2]) == [*case.expected, later]


def test_nothing_is_nothing():
    assert thinned([]) == []
