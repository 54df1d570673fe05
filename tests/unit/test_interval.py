"""Figures of one interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.model.interval import Interval
from storperf.model.job import Op
from storperf.stats.histogram import percentile_nearest_rank

BINS = st.dictionaries(st.integers(1, 10**9), st.integers(1, 10**6), min_size=1, max_size=50)


def an_interval(bins):
    return Interval(
        trial="t001",
        attempt=1,
        agent="agent-01",
        target=0,
        op=Op.READ,
        index=1,
        start_s=0.0,
        end_s=1.0,
        duration_s=1.0,
        ios=1,
        bytes=4096,
        clat_count=1,
        clat_sum_ns=1.0,
        slat_sum_ns=1.0,
        lat_sum_ns=1.0,
        bins=tuple(bins),
    )


def test_an_interval_without_io_has_no_percentile():
    assert an_interval(()).clat_percentile_nearest_rank_ns(0.99) is None


@pytest.mark.parametrize(
    ("share", "value_ns"), [(0.001, 10), (0.98, 10), (0.981, 20), (0.99, 20), (0.991, 30), (1, 30)]
)
def test_a_percentile_is_the_bucket_that_the_rank_falls_into(share, value_ns):
    interval = an_interval(((30, 1), (10, 98), (20, 1)))
    assert interval.clat_percentile_nearest_rank_ns(share) == value_ns


@given(BINS)
def test_the_p99_of_an_interval_is_that_of_the_statistics(bins):
    values_ns, counts = (np.array(column) for column in zip(*sorted(bins.items()), strict=True))
    expected = percentile_nearest_rank(values_ns, counts, 0.99)
    assert an_interval(bins.items()).clat_percentile_nearest_rank_ns(0.99) == expected
