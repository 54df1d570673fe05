"""A figure against what it was held to: the runs of its baseline, or the pairs that decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from storperf.model.metric import METRICS
from storperf.model.verdict import Check
from storperf.model.working import PairsWorking, ScreenWorking
from storperf.reports.svg import Scale, element, padded, picture, ticks
from storperf.stats.wording import count, figure_name, quantity, signed

_WIDTH = 460.0
_LEFT, _RIGHT = 14.0, 446.0
_DOT = 4.0
_STEP = 2.1 * _DOT
_MOST_ROWS = 9


def spread_picture(check: Check) -> Markup:
    """The picture of a check that compared something; empty for others."""
    if check.pairs is not None and check.pairs.pairs:
        return _pairs(check, check.pairs)
    if check.screens:
        return _screen(check, check.screens[-1])
    return Markup("")


def _screen(check: Check, working: ScreenWorking) -> Markup:
    """Dots of earlier runs, the part that would be suspicious, and the run with its interval."""
    name = METRICS[check.metric or ""]
    centre = math.exp(working.log_centre)
    limit, margin = (
        centre * math.exp(working.worse * each) for each in (working.limit, working.margin)
    )
    half = working.t_interval * working.error
    low, high = (working.value * math.exp(sign * half) for sign in (-1, 1))
    nearby = [working.value, centre, limit, margin, *working.values]
    reach = max(abs(each - centre) for each in nearby) * 1.6
    ends = [max(low, centre - reach), min(high, centre + reach)]
    scale = _scale([*nearby, *ends])
    dots, rows = _swarm(working.values, scale)
    # Runs that are all alike lie over each other rather than make a tower.
    rise = min(_STEP, _MOST_ROWS * _STEP / rows)
    floor = 40.0 + rows * rise
    parts = [
        _beyond(scale, limit, working.worse, floor + 40),
        _upright(scale, margin, 18.0, floor + 40, "margin"),
        _upright(scale, centre, 18.0, floor + 40, "centre"),
        _words(scale.at(centre), 12.0, f"{working.centre_is} {quantity(name, centre)}", "middle"),
        *(
            element(
                "circle",
                cls="run" if kept else "run left-out",
                cx=x,
                cy=floor - 10 - row * rise,
                r=_DOT,
            )
            for (x, row), kept in zip(dots, working.is_kept, strict=True)
        ),
        _bar(scale, (low, high), floor + 18),
        _mark(scale.at(working.value), floor + 18),
        _words(
            scale.at(working.value), floor + 38, f"this run {quantity(name, working.value)}", ""
        ),
        *_axis(scale, floor + 44, lambda value: quantity(name, value)),
    ]
    runs = count(len(working.values), "earlier run")
    label = (
        f"{figure_name(check.op, name.name)}: {quantity(name, working.value)} against {runs} around"
        f" {quantity(name, centre)}; suspicious from {quantity(name, limit)} on"
    )
    return picture(
        *parts, width=_WIDTH, height=floor + 64, cls=check.reason.outcome.value, label=label
    )


def _pairs(check: Check, working: PairsWorking) -> Markup:
    """A row for each pair that was measured, and the median with its interval below."""
    changes = [candidate / reference - 1 for reference, candidate in working.pairs]
    seen = working.looks[-1].pairs if working.looks else len(changes)
    ends = [each for each in (check.change_low, check.change_high) if each is not None]
    reach = max(0.06, *(abs(each) for each in changes)) * 1.4
    scale = _scale([0.0, -0.06, 0.06, *changes, *(max(-reach, min(reach, e)) for e in ends)])
    floor = 26.0 + len(changes) * 12.0
    worse = -1 if METRICS[check.metric or ""].higher_is_better else 1
    parts = [
        _beyond(scale, worse * 0.02, worse, floor + 34),
        _upright(scale, 0.0, 18.0, floor + 34, "centre"),
        _words(scale.at(0.0), 12.0, "as the reference", "middle"),
    ]
    for number, change in enumerate(changes):
        look = "run" if number < seen else "run left-out"
        y = 28.0 + 12.0 * number
        parts.append(element("circle", cls=look, cx=scale.at(change), cy=y, r=_DOT))
    if check.change is not None:
        if len(ends) == 2:
            parts.append(_bar(scale, (ends[0], ends[1]), floor + 16))
        parts.append(_mark(scale.at(check.change), floor + 16))
        words = f"median {signed(check.change)}"
        parts.append(_words(scale.at(check.change), floor + 34, words, ""))
    parts += _axis(scale, floor + 40, lambda share: signed(share) if share else "0")
    label = (
        f"{figure_name(check.op, check.metric or '')}: {count(len(changes), 'pair')}, change of"
        f" candidate over reference {', '.join(signed(each) for each in changes)}"
    )
    return picture(
        *parts, width=_WIDTH, height=floor + 60, cls=check.reason.outcome.value, label=label
    )


def _scale(values: Sequence[float]) -> Scale:
    low, high = padded(values)
    return Scale(low=low, high=high, start=_LEFT, end=_RIGHT)


def _swarm(values: Sequence[float], scale: Scale) -> tuple[list[tuple[float, int]], int]:
    """Place and row of each dot, so that none covers another; and how many rows there are."""
    placed: list[tuple[float, int]] = []
    for value in values:
        x, row = scale.at(value), 0
        while any(other == row and abs(x - at) < _STEP for at, other in placed):
            row += 1
        placed.append((x, row))
    return placed, max((row for _, row in placed), default=0) + 1


def _beyond(scale: Scale, limit: float, worse: int, bottom: float) -> Markup:
    """The part in which a value would be suspicious, from the limit to the edge."""
    edge = scale.end if worse > 0 else scale.start
    left, right = sorted((scale.at(limit), edge))
    return element("rect", cls="beyond", x=left, y=18.0, width=right - left, height=bottom - 18.0)


def _upright(scale: Scale, value: float, top: float, bottom: float, cls: str) -> Markup:
    return element("line", cls=cls, x1=scale.at(value), x2=scale.at(value), y1=top, y2=bottom)


def _bar(scale: Scale, ends: tuple[float, float], y: float) -> Markup:
    """An interval; where it goes beyond the picture it has no end."""
    low, high = (scale.at(end) for end in ends)
    caps = [
        element("line", cls="bar", x1=scale.at(end), x2=scale.at(end), y1=y - 4, y2=y + 4)
        for end in ends
        if scale.holds(end)
    ]
    return element("g", element("line", cls="bar", x1=low, x2=high, y1=y, y2=y), *caps)


def _mark(x: float, y: float) -> Markup:
    return element("circle", cls="here", cx=x, cy=y, r=6.0)


def _words(x: float, y: float, text: str, anchor: str) -> Markup:
    """Text beside a place; near an edge it ends there instead of being cut off."""
    if not anchor or not 70 < x < _WIDTH - 70:
        anchor = "start" if x < 70 else "end" if x > _WIDTH - 70 else "middle"
    return element("text", text, x=x, y=y, text_anchor=anchor)


def _axis(scale: Scale, y: float, words: Callable[[float], str]) -> list[Markup]:
    marks = ticks(scale.low, scale.high, 4)
    line = element("line", cls="axis", x1=scale.start, x2=scale.end, y1=y, y2=y)
    return [line, *(_axis_mark(scale.at(each), y, words(each)) for each in marks)]


def _axis_mark(x: float, y: float, words: str) -> Markup:
    inside = min(max(x, 24.0), _WIDTH - 24.0)
    return element(
        "g",
        element("line", cls="axis", x1=x, x2=x, y1=y, y2=y + 3),
        element("text", words, cls="tick", x=inside, y=y + 15, text_anchor="middle"),
    )
