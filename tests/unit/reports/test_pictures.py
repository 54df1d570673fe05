"""The pictures that need no script: what stands in them, and that text of others stays text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.reports.test_html_history import history_of, iops_of, run_of
from unit.stats.test_paired import Paired, pairs_at
from unit.stats.test_verdict import World, make_summary

from storperf.model.baseline import Anchor, BaselineKey
from storperf.reports.history_picture import history_pictures
from storperf.reports.power_picture import power_picture
from storperf.reports.spread_picture import spread_picture
from storperf.reports.svg import Scale, element, ticks

NIGHTS = (1000.0, 1010.0, 990.0, 1005.0, 995.0, 1000.0, 1012.0, 988.0, 1003.0, 400.0)


def check_of(world, value=940.0):
    world.summaries[0] = make_summary(world.plan.trials[0].id, "iops", value, half=20.0)
    return next(check for check in world.judge().checks if check.metric == "iops")


def places(picture, cls):
    """The x of the circles of a class, in the order in which they are drawn."""
    found = re.findall(rf'<circle class="{cls}" cx="([0-9.]+)"', str(picture))
    return [float(x) for x in found]


def test_every_run_of_the_baseline_is_a_dot_and_an_outlier_is_a_ring():
    picture = spread_picture(check_of(World().with_history(*NIGHTS)))
    assert len(places(picture, "run")) == 9
    assert len(places(picture, "run left-out")) == 1
    assert "this run 940" in picture
    assert 'class="drawn inconclusive"' in picture


def test_run_stands_among_the_others_where_its_value_is_and_in_the_part_that_is_suspicious():
    picture = str(spread_picture(check_of(World().with_history(*NIGHTS))))
    (here,) = places(picture, "here")
    assert here < min(places(picture, "run"))
    left, width = re.search(
        r'class="beyond" x="([0-9.]+)" y="18" width="([0-9.]+)"', picture
    ).groups()
    assert float(left) <= here <= float(left) + float(width)


def test_dots_do_not_cover_each_other():
    picture = str(spread_picture(check_of(World().with_history(*[1000.0] * 8), 1000.0)))
    dots = re.findall(r'class="run" cx="([0-9.]+)" cy="([0-9.]+)"', picture)
    assert len(set(dots)) == 8


def test_many_equal_runs_make_no_tower():
    picture = str(spread_picture(check_of(World().with_history(*[1000.0] * 30), 1000.0)))
    height = float(re.search(r'viewBox="0 0 460 ([0-9.]+)"', picture).group(1))
    assert height < 200


def test_pairs_are_drawn_with_their_median():
    picture = spread_picture(check_of(Paired(pairs_at(0.6))))
    assert len(places(picture, "run")) == 3
    assert "as the reference" in picture
    assert "median -40 %" in picture
    assert 'class="drawn fail"' in picture


def test_power_curve_marks_where_this_run_stood():
    check = check_of(World().with_history(*NIGHTS))
    picture = power_picture(check)
    assert "with 9 runs" in picture
    assert len(places(picture, "pair")) == 3


def test_check_that_compared_nothing_has_no_picture():
    check = World().judge().checks[0]
    assert spread_picture(check) == ""
    assert power_picture(check) == ""


def test_history_has_a_sign_a_run_its_levels_and_the_run_that_the_baseline_begins_with():
    shares = [1.0, 1.01, 0.99] * 6 + [0.8, 0.81, 0.79] * 6
    history = history_of(*(run_of(n, factor=share) for n, share in enumerate(shares, start=1)))
    key = BaselineKey(lab="pod9", job="nightly", side="candidate", step="", fingerprint="v1-a")
    series = iops_of(history)
    anchor = Anchor(
        key=BaselineKey(**{**{n: getattr(key, n) for n in key.__slots__}, "step": series.step}),
        run="run-19",
        who="storperf",
        why="pairs",
        at_s=1.8e9,
    )
    pictures = str(history_pictures(series, {"run-3": "runs/3.html"}, (anchor,)))
    assert pictures.count('class="sign ') == 2 * 36
    assert pictures.count('class="anchor"') == 2
    assert pictures.count('<line class="level"') == 2 * 2
    assert pictures.count('<rect class="level"') == 2
    assert pictures.count('<a href="runs/3.html">') == 2


@given(st.text())
def test_text_of_others_stays_text(text):
    drawn = str(element("text", text, x=1.0, label=text))
    assert drawn.startswith("<text x=")
    inside = drawn.removeprefix("<text").removesuffix("</text>")
    assert "<" not in inside
    assert inside.count('"') == 4


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 8))
def test_ticks_are_inside_and_evenly_apart(low, span, most):
    found = ticks(low, low + span, most)
    slack = span * 1e-6
    assert 1 <= len(found) <= most + 1 or not found
    assert all(low - slack <= each <= low + span + slack for each in found)


def test_what_lies_outside_of_a_scale_stands_at_its_edge():
    scale = Scale(low=1.0, high=100.0, start=0.0, end=200.0, is_log=True)
    assert [scale.at(each) for each in (0.1, 1.0, 10.0, 1e6)] == pytest.approx([0, 0, 100, 200])
