"""When schedules are due: also when the clocks are set, over midnight, and never twice."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.errors import UsageError
from storperf.queueing.times import (
    Rule,
    is_inside,
    next_time,
    parse_clock,
    parse_rule,
    rule_values,
    window_end,
    with_jitter,
)

VIENNA = ZoneInfo("Europe/Vienna")
NIGHT = (parse_clock("22:00"), parse_clock("06:00"))


def at(text, zone=VIENNA, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def shown(epoch_s, zone=VIENNA):
    return datetime.fromtimestamp(epoch_s, zone).isoformat()


def nightly(text="02:30", zone="Europe/Vienna", **more):
    return Rule(at=parse_clock(text), zone=zone, **more)


def times(rule, after_s, count):
    found = []
    for _ in range(count):
        after_s = next_time(rule, after_s)
        found.append(shown(after_s))
    return found


def test_a_night_has_one_time():
    assert times(nightly(), at("2026-06-01T02:30"), 2) == [
        "2026-06-02T02:30:00+02:00",
        "2026-06-03T02:30:00+02:00",
    ]


def test_a_time_that_the_clocks_skip_comes_as_long_after_the_jump():
    assert times(nightly(), at("2026-03-28T12:00"), 2) == [
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_comes_twice_counts_the_first_time():
    assert times(nightly(), at("2026-10-24T12:00"), 2) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    # Asked between the two, the next one is tomorrow's.
    assert times(nightly(), at("2026-10-25T02:31"), 1) == ["2026-10-26T02:30:00+01:00"]
    assert times(nightly(), at("2026-10-25T02:15", fold=1), 1) == ["2026-10-26T02:30:00+01:00"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
def test_a_day_is_that_of_the_zone(zone):
    here = ZoneInfo(zone)
    found = next_time(nightly("00:05", zone), at("2026-06-01T23:59", here))
    assert shown(found, here).startswith("2026-06-02T00:05")


def test_hours_pass_whatever_the_clocks_show():
    rule = Rule(every_s=6 * 3600.0, from_s=at("2026-03-28T20:00"), zone="Europe/Vienna")
    assert times(rule, at("2026-03-28T20:00"), 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T09:00:00+02:00",
    ]


def test_what_is_due_outside_the_window_waits_until_it_opens():
    rule = Rule(
        every_s=3 * 3600.0, from_s=at("2026-06-01T21:00"), zone="Europe/Vienna", window=NIGHT
    )
    assert [text[11:16] for text in times(rule, at("2026-06-01T12:00"), 5)] == [
        "22:00",
        "00:00",
        "03:00",
        "22:00",
        "00:00",
    ]


@pytest.mark.parametrize(
    ("text", "inside"),
    [("21:59", False), ("22:00", True), ("00:00", True), ("05:59", True), ("06:00", False)],
)
def test_a_window_goes_over_midnight_and_its_end_is_outside(text, inside):
    assert is_inside(nightly(window=NIGHT), at(f"2026-06-01T{text}")) is inside


def test_a_window_ends_at_its_next_end():
    rule = nightly(window=NIGHT)
    assert shown(window_end(rule, at("2026-06-01T23:00"))) == "2026-06-02T06:00:00+02:00"
    assert shown(window_end(rule, at("2026-06-02T05:00"))) == "2026-06-02T06:00:00+02:00"
    assert window_end(nightly(), 0.0) is None


@given(st.floats(0, 1))
def test_jitter_is_bounded_by_itself_and_by_the_window(share):
    due_s = at("2026-06-02T05:30")
    free = with_jitter(nightly("05:30", jitter_s=3600.0), due_s, share)
    held = with_jitter(nightly("05:30", jitter_s=3600.0, window=NIGHT), due_s, share)
    assert due_s <= free <= due_s + 3600.0
    assert due_s <= held < due_s + 1800.0


RULES = st.builds(
    Rule,
    every_s=st.floats(60, 1e6),
    from_s=st.floats(0, 2e9),
    zone=st.sampled_from(["UTC", "Europe/Vienna", "Australia/Lord_Howe", "America/New_York"]),
    window=st.none() | st.just(NIGHT),
) | st.builds(
    Rule,
    at=st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    zone=st.sampled_from(["UTC", "Europe/Vienna", "Australia/Lord_Howe", "America/New_York"]),
)


@given(RULES, st.floats(1e9, 2e9))
def test_the_next_time_is_later_and_nothing_is_between(rule, after_s):
    due_s = next_time(rule, after_s)
    assert due_s > after_s
    between_s = (after_s + due_s) / 2
    # Asked again in between, the answer is the same: nothing is due twice or passed over.
    if rule.window is None and between_s < due_s:
        assert next_time(rule, between_s) == due_s
    assert is_inside(rule, due_s)


@given(RULES)
def test_a_rule_survives_being_kept(rule):
    assert parse_rule(rule_values(rule)) == rule


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "either at what time of day"),
        ({"at": "02:30", "every_s": 3600}, "either at what time of day"),
        ({"at": "2:30"}, "no time of day"),
        ({"at": "24:00"}, "no time of day"),
        ({"every_s": 59}, "every 1m"),
        ({"every_s": "often"}, "no schedule"),
        ({"every_s": "nan"}, "no number of seconds"),
        ({"at": "02:30", "zone": "Vienna"}, "no time zone"),
        ({"at": "02:30", "zone": "../../etc/passwd"}, "no time zone"),
        ({"at": "12:00", "window": ["22:00", "06:00"]}, "outside the window 22:00 to 06:00"),
        ({"at": "12:00", "window": ["12:00", "12:00"]}, "begins when it ends"),
        ({"at": "12:00", "window": "22:00-06:00"}, "two times of day"),
        ({"every_s": 3600, "jitter_s": 1801}, "jitter"),
        ({"at": "12:00", "jitter_s": -1}, "jitter"),
    ],
)
def test_what_is_no_schedule_is_refused(values, why):
    with pytest.raises(UsageError, match=why):
        parse_rule(values)
