"""Paging gives each second as fine as it is kept, whatever stretch is asked for."""

from __future__ import annotations

import pytest

from storperf.sinks.graphite_series import read_series
from storperf.sinks.graphite_web import Rendered

NOW = 1_700_000_000
FINE_S = 5000


class Whisper:
    """A file of 1 s for the last 5000 s and of 10 s before, read as whisper reads it."""

    def __init__(self, first, last, steps=(1, 10), fine_s=FINE_S):
        self.first, self.last = first, last
        self.steps, self.fine_s = steps, fine_s
        self.questions = 0

    def render(self, targets, from_s, until_s):
        self.questions += 1
        step = self.steps[NOW - (from_s - 1) > self.fine_s]
        begin = (from_s - 1) - (from_s - 1) % step + step
        end = until_s - until_s % step + step
        seconds = range(begin, end, step)
        points = [(t, float(t)) for t in seconds if self.first <= t <= self.last]
        return tuple(
            Rendered(
                path=target,
                resolution_s=step if len(seconds) > 1 else None,
                first_s=begin,
                points=tuple((t, value) for t, value in points if from_s <= t <= until_s),
            )
            for target in targets
        )


@pytest.mark.parametrize("page_s", [60, 1000, 86400])
@pytest.mark.parametrize("begin", [NOW - 400, NOW - 4000, NOW - 9001, NOW - 50000])
def test_what_is_kept_by_the_second_comes_by_the_second(begin, page_s):
    web = Whisper(begin, NOW)
    (series,) = read_series(web, ["a"], begin, NOW, page_s)
    oldest_fine = max(begin, NOW - FINE_S + 200)
    assert set(range(oldest_fine, NOW + 1)) <= set(series.values)
    coarse = [t for t, _, resolution in series.points if resolution == 10]
    assert all(t < oldest_fine for t in coarse)
    assert [t for t, _, _ in series.points] == sorted(series.values)
    if begin < NOW - FINE_S:
        assert {t for t in series.values if t < NOW - FINE_S - 200} == {
            t for t in range(begin, NOW - FINE_S - 200) if t % 10 == 0
        }
        assert series.coarsest_s == 10


def test_a_stretch_that_is_thinned_as_a_whole_costs_no_more_questions():
    web = Whisper(NOW - 50000, NOW - 20000)
    (series,) = read_series(web, ["a"], NOW - 40000, NOW - 30001, 1000)
    assert web.questions == 11
    assert len(series.points) == 1000


def test_points_of_ten_minutes_are_told_from_those_of_a_minute_without_many_questions():
    day_s = 86400
    web = Whisper(NOW - 400 * day_s, NOW, steps=(60, 600), fine_s=30 * day_s)
    (series,) = read_series(web, ["a"], NOW - 90 * day_s, NOW, day_s)
    seconds = set(series.values)
    fine = range(NOW - 30 * day_s + 600, NOW)
    assert seconds >= {t for t in fine if t % 60 == 0}
    assert seconds >= {t for t in range(NOW - 90 * day_s, NOW) if t % 600 == 0}
    assert web.questions < 90 + 40


def test_no_points_is_no_series():
    web = Whisper(NOW, NOW)
    assert read_series(web, ["a"], NOW - 100, NOW - 50) == ()
    assert read_series(web, ["a"], NOW, NOW - 50) == ()
