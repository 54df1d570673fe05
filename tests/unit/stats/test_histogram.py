"""Histograms in fio's buckets."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.stats.builders import make_intervals, make_table

from storperf.stats.histogram import merge_bins, merge_rows, percentile_nearest_rank

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fio"


def documents(name):
    text, decoder, position = (FIXTURES / name).read_text(), json.JSONDecoder(), 0
    while position < len(text.rstrip()):
        start = text.index("{", position)
        document, position = decoder.raw_decode(text, start)
        yield document


def arrays(bins):
    pairs = sorted((int(value), count) for value, count in bins.items())
    return np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T


def test_percentiles_are_those_that_fio_prints_to_the_nanosecond():
    compared = 0
    for document in documents("jsonplus_status-interval1_concat.json"):
        for job in document["jobs"]:
            for op in ("read", "write"):
                clat = job[op].get("clat_ns", {})
                if not clat.get("N"):
                    continue
                values, counts = arrays(clat["bins"])
                for percent, expected in clat["percentile"].items():
                    assert percentile_nearest_rank(values, counts, float(percent) / 100) == expected
                    compared += 1
    assert compared >= 17 * 4


def test_rank_is_reached_exactly_at_the_share():
    values, counts = np.array([10, 20]), np.array([99, 1])
    assert percentile_nearest_rank(values, counts, 0.99) == 10
    assert percentile_nearest_rank(values, counts, 0.991) == 20
    assert percentile_nearest_rank(values, counts, 1.0) == 20


def test_a_rank_that_is_a_whole_number_is_not_rounded_up():
    values, counts = np.array([10, 20]), np.array([240, 160])
    assert percentile_nearest_rank(values, counts, 0.6) == 10
    assert percentile_nearest_rank(values, np.array([120, 280]), 0.3) == 10


def test_percentile_of_no_io_is_refused():
    with pytest.raises(ValueError, match="no I/O"):
        percentile_nearest_rank(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), 0.5)


@pytest.mark.parametrize("q", [0.0, -0.1, 1.1, 99.0])
def test_share_outside_of_zero_to_one_is_refused(q):
    with pytest.raises(ValueError, match="share"):
        percentile_nearest_rank(np.array([1]), np.array([1]), q)


def test_negative_count_is_refused():
    with pytest.raises(ValueError, match="negative"):
        merge_bins(np.array([1]), np.array([-1]))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="counts"):
        merge_bins(np.array([1, 2]), np.array([1]))


def test_rows_merge_by_adding_counts():
    table = make_table(
        make_intervals([10.0, 10.0], latency_ns=100), make_intervals([5.0], latency_ns=200)
    )
    values, counts = merge_rows(table)
    assert values.tolist() == [100, 200]
    assert counts.tolist() == [20, 5]


HISTOGRAM = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 10**9)), min_size=0, max_size=20
).map(lambda pairs: np.array(pairs, dtype=np.int64).reshape(len(pairs), 2).T)


def merged(*histograms):
    return merge_bins(*np.concatenate(histograms, axis=1))


@given(HISTOGRAM, HISTOGRAM, HISTOGRAM)
def test_merge_is_associative_and_commutative_and_loses_no_io(a, b, c):
    left = merged(np.array(merged(a, b)), c)
    right = merged(a, np.array(merged(c, b)))
    assert np.array_equal(left[0], right[0])
    assert np.array_equal(left[1], right[1])
    assert left[1].sum() == a[1].sum() + b[1].sum() + c[1].sum()


@given(HISTOGRAM, st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_percentile_is_a_bucket_with_io_and_rises_with_the_share(histogram, p, q):
    values, counts = merge_bins(*histogram)
    if len(values) == 0:
        return
    low, high = sorted((p, q))
    first = percentile_nearest_rank(values, counts, low)
    second = percentile_nearest_rank(values, counts, high)
    assert first in values
    assert values[0] <= first <= second <= values[-1]
