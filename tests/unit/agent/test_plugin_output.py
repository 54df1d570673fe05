"""What a plugin prints becomes a text and figures in one unit a kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storperf.agent.plugin_output import MOST_FIGURES, parse_plugin


def figures(performance):
    return parse_plugin(f"text | {performance}")[1]


def test_the_text_is_the_first_line_and_figures_stand_behind_the_bar():
    found = parse_plugin("DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n")
    assert found == (
        "DISK OK - free space: / 3326 MB (56%);",
        {"/": 2643 * 2.0**20},
        {"/": "bytes"},
    )


def test_figures_of_further_lines_count_too():
    output = "OK | a=1\nlong text\nmore of it | b=2\nc=3 d=4\n"
    assert parse_plugin(output)[1] == {"a": 1, "b": 2, "c": 3, "d": 4}


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("0.5s", 0.5, "s"),
        ("12ms", 0.012, "s"),
        ("3us", 3e-6, "s"),
        ("40%", 0.4, "share"),
        ("2KB", 2048, "bytes"),
        ("1TB", 2**40, "bytes"),
        ("7B", 7, "bytes"),
        ("123456c", 123456, "count"),
        ("-3.5", -3.5, ""),
        ("1e-05s", 1e-5, "s"),
        ("21C", 21, "C"),
    ],
)
def test_units_are_made_one(written, value, unit):
    _, found, units = parse_plugin(f"x | it={written};1;2;0;9")
    assert found == {"it": pytest.approx(value)}
    assert units == {"it": unit}


@pytest.mark.parametrize("written", ["U", "", "NaN", "1,5", "--1", "1e999"])
def test_what_is_no_number_is_missing(written):
    assert figures(f"it={written} ok=1") == {"ok": 1}


def test_a_label_in_quotes_may_hold_anything():
    assert figures("'free space'=1 'it''s a=b'=2 load.1m=3") == {
        "free space": 1,
        "it's a=b": 2,
        "load_1m": 3,
    }


def test_a_plugin_that_prints_nothing_has_no_figures():
    assert parse_plugin("") == ("", {}, {})


def test_there_is_an_end_to_what_one_plugin_may_say():
    assert len(figures(" ".join(f"f{number}=1" for number in range(1000)))) == MOST_FIGURES


@given(st.text())
def test_no_output_is_too_odd_to_be_read(output):
    text, found, units = parse_plugin(output)
    assert len(text) <= 300
    assert found.keys() == units.keys()
    assert all("." not in label for label in found)
