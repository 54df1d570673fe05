"""What befell a run stands in its papers, in sentences."""

from __future__ import annotations

import pytest
from unit.reports.result_values import a_run

from storperf.reports.found import found_sentences

NOTHING = {"offered": 900, "thinned": 0, "dropped": 0, "waiting": 0, "unconfirmed": 0}


def sentences(points, **sink):
    facts = {"sinks": {"graphite": {"points": {**NOTHING, **points}, **sink}}}
    return found_sentences(a_run(facts=facts))


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ({"thinned": 90}, "Of 900 points for Graphite 90 became part of points of 10 s."),
        ({"dropped": 7}, "Of 900 points for Graphite 7 were dropped."),
        ({"waiting": 5, "unconfirmed": 6}, "11 are still in the spool (`storperf graphite flush`"),
    ],
)
def test_what_graphite_has_not_as_it_was_measured_is_told(points, words):
    (sentence,) = sentences(points)
    assert words in sentence


def test_series_that_lack_points_are_told():
    (sentence,) = sentences({}, read_back={"missing_series": 3})
    assert "3 series lack some there" in sentence


def test_a_run_that_is_all_there_or_told_nobody_has_no_sentence():
    assert sentences({}, read_back={"missing_series": 0}) == []
    assert found_sentences(a_run(facts={"sinks": {}})) == []
    assert found_sentences(a_run(facts={})) == []
