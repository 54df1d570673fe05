"""What could have been seen: the smallest loss by the number of runs, and of pairs."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from storperf.model.metric import METRICS
from storperf.model.verdict import Check
from storperf.reports.svg import Scale, element, picture, ticks
from storperf.stats.power import MOST_RUNS, Visible, visible_by_pairs, visible_by_runs
from storperf.stats.wording import count, percent

_WIDTH, _HEIGHT = 460.0, 232.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 446.0, 44.0, 190.0
_SHOWN = (1, 2, 3, 5, 10, 20, 30)
# A loss of more than this is seen without any statistics.
_MOST = 0.6


def power_picture(check: Check) -> Markup:
    """The curve of a screen's check, with a mark where this run stood; empty for others."""
    if not check.screens or check.metric is None:
        return Markup("")
    working = check.screens[0]
    better = METRICS[check.metric].higher_is_better
    by_runs = visible_by_runs(
        working.sigma, working.prior_df, working.alpha, higher_is_better=better
    )
    by_pairs = visible_by_pairs(working.sigma, working.df, higher_is_better=better)
    if not by_runs:
        return Markup("")
    here = min(sum(working.is_kept), MOST_RUNS)
    top = min(_MOST, max(each.loss for each in (*by_runs[:3], *by_pairs)) * 1.08)
    along = Scale(low=1.0, high=float(MOST_RUNS), start=_LEFT, end=_RIGHT, is_log=True)
    up = Scale(low=0.0, high=top, start=_BOTTOM, end=_TOP)
    at_here = next((each for each in by_runs if each.count == here), None)
    parts = [
        *_axes(along, up),
        _line(by_runs, along, up, "by-runs"),
        _line(by_pairs, along, up, "by-pairs"),
        *(
            element("circle", cls="pair", cx=along.at(each.count), cy=up.at(each.loss), r=4.0)
            for each in by_pairs
        ),
        _legend("one run against earlier ones", 0, "by-runs"),
        _legend("pairs, after a suspicion", 1, "by-pairs"),
    ]
    if at_here is not None:
        parts.append(_here(at_here, along, up))
    label = (
        f"Smallest loss that is found 4 times of 5: {_told(by_runs)} with"
        f" earlier runs; {_told(by_pairs)} with pairs"
    )
    return picture(*parts, width=_WIDTH, height=_HEIGHT, cls="power", label=label)


def _told(seen: Sequence[Visible]) -> str:
    shown = [each for each in seen if each.count in (*_SHOWN, 8)]
    return ", ".join(f"{percent(each.loss)} with {each.count}" for each in shown)


def _line(seen: Sequence[Visible], along: Scale, up: Scale, cls: str) -> Markup:
    points = " ".join(f"{along.at(each.count):.1f},{up.at(each.loss):.1f}" for each in seen)
    return element("polyline", cls=cls, points=points)


def _legend(words: str, row: int, cls: str) -> Markup:
    """What a line is, above the picture."""
    y = 14.0 + 16.0 * row
    return element(
        "g",
        element("line", cls=cls, x1=_RIGHT - 22, x2=_RIGHT, y1=y - 4, y2=y - 4),
        element("text", words, x=_RIGHT - 28, y=y, text_anchor="end"),
    )


def _here(seen: Visible, along: Scale, up: Scale) -> Markup:
    x, y = along.at(seen.count), up.at(seen.loss)
    anchor, beside = ("end", -10.0) if x > _WIDTH * 0.6 else ("start", 10.0)
    words = f"this run: {percent(seen.loss)} with {count(seen.count, 'run')}"
    return element(
        "g",
        element("line", cls="centre", x1=x, x2=x, y1=y, y2=_BOTTOM),
        element("circle", cls="here", cx=x, cy=y, r=6.0),
        # No curve comes near the axis.
        element("text", words, x=x + beside, y=_BOTTOM - 7, text_anchor=anchor),
    )


def _axes(along: Scale, up: Scale) -> list[Markup]:
    lines = [
        element(
            "g",
            element("line", cls="grid", x1=_LEFT, x2=_RIGHT, y1=up.at(each), y2=up.at(each)),
            element(
                "text",
                f"{each * 100:g} %",
                cls="tick",
                x=_LEFT - 6,
                y=up.at(each) + 4,
                text_anchor="end",
            ),
        )
        for each in ticks(0.0, up.high, 4)
    ]
    marks = [
        element(
            "text", str(each), cls="tick", x=along.at(each), y=_BOTTOM + 15, text_anchor="middle"
        )
        for each in _SHOWN
    ]
    words = element(
        "text",
        "number of earlier runs, or of pairs",
        cls="tick",
        x=(_LEFT + _RIGHT) / 2,
        y=_BOTTOM + 33,
        text_anchor="middle",
    )
    axis = element("line", cls="axis", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM)
    return [*lines, axis, *marks, words]
