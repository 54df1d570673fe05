"""Sizes, durations, shares and figures for people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.units import (
    parse_duration_ns,
    parse_duration_s,
    parse_share,
    parse_size,
    render_bytes,
    render_count,
    render_duration,
    render_ns,
    render_rate,
    render_size,
)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("512", 512),
        ("4k", 4096),
        ("4K", 4096),
        ("4 KiB", 4096),
        ("4kB", 4096),
        ("1.5GiB", 1610612736),
        ("64MB", 67108864),
        ("1G", 1 << 30),
        ("2T", 2 << 40),
        ("1P", 1 << 50),
        (" 7 ", 7),
        (4096, 4096),
        # A float would make 9007199254740992 of it.
        ("9007199254740993", 9007199254740993),
    ],
)
def test_size_is_binary_and_exact(text, size_bytes):
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    ["", "k", "4q", "-4k", "4k4k", "1e3", "0x10", "4 k b", "1.1k", "0.5", "٤k", "nan", "9" * 400],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match=r"not a (size|whole)"):
        parse_size(text)


@pytest.mark.parametrize("value", [True, False, -1])
def test_truth_and_negative_numbers_are_no_size(value):
    with pytest.raises(ValueError, match="size"):
        parse_size(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("60", 60),
        ("1.5", 1.5),
        ("250ms", 0.25),
        ("20m", 1200),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("7d", 604800),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("3ns", 3e-9),
        (60, 60),
        (0.5, 0.5),
    ],
)
def test_duration_is_read_as_people_write_it(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "60x", "1:30", "-5s", "5 5", "1e3s", "٦s", "9" * 400, "1h30", "inf", "nan"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration_ns(text)


@pytest.mark.parametrize("value", [True, -1, float("inf"), float("nan"), 10**400])
def test_impossible_numbers_are_no_duration(value):
    with pytest.raises(ValueError, match="duration"):
        parse_duration_ns(value)


@pytest.mark.parametrize(("text", "share"), [("20%", 0.2), ("0.2", 0.2), (0.2, 0.2), ("100 %", 1)])
def test_share_is_read_with_and_without_percent(text, share):
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "%", "101%", "1.5", "-1%", "20%%", True, -0.1, float("nan")])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ValueError, match=r"share|between"):
        parse_share(text)


@given(st.integers(min_value=0, max_value=1 << 60))
def test_a_rendered_size_reads_back(size_bytes):
    assert parse_size(render_size(size_bytes)) == size_bytes


@given(st.integers(min_value=60, max_value=10**6))
def test_a_rendered_duration_is_within_half_a_minute(seconds):
    assert abs(parse_duration_s(render_duration(seconds)) - seconds) <= 30


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.9996, "1s"),
        (1.5, "1.5s"),
        (9.96, "10s"),
        (45, "45s"),
        (59.6, "1m"),
        (200, "3m20s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (7199, "2h00m"),
    ],
)
def test_duration_for_people(seconds, text):
    assert render_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 ns"),
        (812, "812 ns"),
        (1.5, "1.5 ns"),
        (999.7, "1 us"),
        (999600, "1 ms"),
        (1234567, "1.23 ms"),
        (12000000000.0, "12 s"),
        (5000000000000.0, "5000 s"),
    ],
)
def test_latency_for_people_has_no_exponent(value, text):
    assert render_ns(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B/s"),
        (1010 * 1024, "1010 KiB/s"),
        (1 << 20, "1 MiB/s"),
        (143 << 20, "143 MiB/s"),
        (5000 << 30, "5000 GiB/s"),
    ],
)
def test_bandwidth_for_people_is_binary(value, text):
    assert render_rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (812, "812"),
        (8124, "8124"),
        (9999.4, "9999"),
        (9999.6, "10 k"),
        (12400, "12.4 k"),
        (999960, "1 M"),
        (3200000, "3.2 M"),
        (2000000000.0, "2 G"),
    ],
)
def test_count_for_people(value, text):
    assert render_count(value) == text


@given(st.floats(min_value=0, max_value=1e15))
def test_nothing_for_people_has_an_exponent(value):
    for render in (render_ns, render_rate, render_count):
        assert "e" not in render(value)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (80_319_754_240, "74.8 GiB"),
        (3 << 40, "3 TiB"),
    ],
)
def test_a_size_for_people(size, text):
    assert render_bytes(size) == text
