"""A line is what graphyte makes of a point."""

from __future__ import annotations

import graphyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.sinks.lines import LineBuilder
from storperf.sinks.points import Point

paths = st.text(alphabet="abc.~_-019ü", min_size=1, max_size=20)
values = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
points = st.builds(Point, paths, values, st.integers(1, 2**32 - 1))


@given(st.lists(points, max_size=20))
def test_lines_are_those_that_graphyte_builds_one_by_one(some):
    graphyte_sender = graphyte.Sender("127.0.0.1", 2003)
    alone = b"".join(graphyte_sender.build_message(*point) for point in some)
    assert LineBuilder().build(some) == alone


def test_a_path_with_a_blank_is_refused_as_graphyte_refuses_it():
    with pytest.raises(ValueError, match="whitespace"):
        LineBuilder().build([Point("a b", 1, 1)])
