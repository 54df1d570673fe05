"""A schedule's next due time is later than now, on its grid, and the first one that is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.schedule import Schedule

STEPS = st.floats(min_value=0.1, max_value=86_400)
TIMES = st.floats(min_value=0, max_value=1e7)


def due_times(schedule, count, after_s=-1.0):
    found = []
    for _ in range(count):
        after_s = schedule.due_after(after_s)
        found.append(after_s)
        if after_s is None:
            break
    return found


def test_every_n_seconds_begins_at_once():
    assert due_times(Schedule(10.0), 4) == [0, 10, 20, 30]


def test_a_window_ends_the_schedule():
    assert due_times(Schedule(1.0, 3.0), 5) == [0, 1, 2, None]


def test_a_duty_cycle_begins_each_period_anew():
    assert due_times(Schedule(4.0, 10.0, 60.0), 7) == [0, 4, 8, 60, 64, 68, 120]


def test_a_period_that_is_one_window_goes_on_without_a_pause():
    assert due_times(Schedule(4.0, 10.0, 10.0), 6) == [0, 4, 8, 10, 14, 18]


def test_what_was_missed_is_not_caught_up():
    assert Schedule(1.0).due_after(1000.25) == 1001
    assert Schedule(1.0, 10.0, 60.0).due_after(1000.25) == 1020


@given(STEPS, TIMES)
def test_the_next_time_is_the_first_of_its_grid_that_is_still_to_come(every_s, after_s):
    due_s = Schedule(every_s).due_after(after_s)
    assert due_s > after_s
    number = round(due_s / every_s)
    assert due_s == number * every_s
    assert (number - 1) * every_s <= after_s


@given(STEPS, st.floats(0.01, 1), st.floats(0.01, 1), TIMES)
def test_a_duty_cycle_is_due_inside_its_windows_alone(each_s, share, of_window, after_s):
    for_s = each_s * share
    schedule = Schedule(for_s * of_window, for_s, each_s)
    due_s = schedule.due_after(after_s)
    assert after_s < due_s <= after_s + each_s * (1 + 1e-9)
    into_s = math.fmod(due_s, each_s)
    # Close to a period's end the same moment is the beginning of the next.
    assert into_s < for_s * (1 + 1e-6) or each_s - into_s < 1e-6 * max(1.0, due_s)
    later_s = schedule.due_after(due_s)
    assert later_s > due_s


@given(STEPS, st.floats(min_value=0, max_value=1e5))
def test_asking_in_between_changes_nothing(every_s, after_s):
    schedule = Schedule(every_s, every_s * 3.5, every_s * 7)
    due_s = schedule.due_after(after_s)
    between_s = after_s + (due_s - after_s) / 2
    assert schedule.due_after(between_s) == due_s or between_s == due_s


@pytest.mark.parametrize(
    "times", [(0,), (-1,), (math.nan,), (math.inf,), (1, 0), (1, 2, 1), (1, None, 5)]
)
def test_times_that_are_none_are_refused(times):
    with pytest.raises(ValueError, match="schedule"):
        Schedule(*times)
