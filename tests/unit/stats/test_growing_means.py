"""A series of any length as a few hundred means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.stats.growing_means import MOST, GrowingMeans


@given(st.lists(st.integers(0, 1000), max_size=3000))
def test_they_are_the_means_of_the_oldest_values_in_groups_of_one_size(values):
    growing = GrowingMeans()
    for value in values:
        growing.add(value)
    size = growing.size
    whole = len(values) // size
    groups = [values[number * size : (number + 1) * size] for number in range(whole)]
    assert growing.means == pytest.approx([sum(group) / size for group in groups])
    assert len(growing.means) < MOST
    assert size == 1 or len(growing.means) >= MOST // 2
