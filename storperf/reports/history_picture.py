"""A figure over all runs of a job: a sign a run, its levels, and where they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from storperf.model.baseline import Anchor
from storperf.model.history import HistoryPoint, HistorySeries, LevelChange
from storperf.model.metric import METRICS
from storperf.reports.svg import Scale, element, padded, picture, ticks
from storperf.stats.wording import figure_name, quantity, signed

_TOP, _BELOW = 22.0, 26.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a picture measures in its own units; on a phone the same units are smaller."""

    cls: str
    width: float
    height: float
    left: float
    sign: float
    times: int


WIDE = Size(cls="wide-only", width=980.0, height=240.0, left=74.0, sign=5.0, times=7)
NARROW = Size(cls="narrow-only", width=400.0, height=230.0, left=66.0, sign=4.0, times=3)


def history_pictures(
    series: HistorySeries, links: Mapping[str, str], anchors: Sequence[Anchor]
) -> Markup:
    """The picture for a screen and the one for a phone; a page shows one of them."""
    held = {each.run for each in anchors if each.run and each.key.step == series.step}
    return Markup("").join(_picture(series, links, held, size) for size in (WIDE, NARROW))


def _picture(
    series: HistorySeries, links: Mapping[str, str], anchored: set[str], size: Size
) -> Markup:
    points, metric = series.points, METRICS[series.metric]
    # Runs stand side by side, whatever lies between them: a pause of a month is no level.
    along = Scale(
        low=-0.5, high=len(points) - 0.5, start=size.left, end=size.width - 10 - size.sign
    )
    up = _heights(series, size)
    places = {point.run: number for number, point in enumerate(points)}
    parts = [
        *_grid(series, up, size),
        *_band(series, up, size),
        *_levels(series, places, along, up),
        *_changes(series, places, along, size),
        *(_anchor(along.at(places[run]), size) for run in sorted(anchored) if run in places),
        *_times(points, along, size),
        *(_sign(point, along.at(n), up, size, links) for n, point in enumerate(points)),
    ]
    last = points[-1]
    label = (
        f"{figure_name(series.op, series.metric)} of {len(points)} runs, the last"
        f" {quantity(metric, last.value)}"
    )
    return picture(
        *parts, width=size.width, height=size.height, cls=f"history {size.cls}", label=label
    )


def _heights(series: HistorySeries, size: Size) -> Scale:
    """Zero is on the axis unless figures lie close together: a scale of their own shows more."""
    values = [point.value for point in series.points]
    ends = [end for point in series.points for end in (point.low, point.high) if end is not None]
    band = series.band
    limits = [] if band is None else [band.centre]
    # A limit far beyond all that was measured would press the dots flat; its number is below.
    if band is not None and band.suspicious <= 2.5 * max(*values, band.centre):
        limits.append(band.suspicious)
    every = [*values, *ends, *limits]
    low, high = padded(every)
    if min(every) <= 0.6 * max(every):
        low = min(0.0, *every)
    return Scale(low=low, high=high, start=size.height - _BELOW, end=_TOP)


def _grid(series: HistorySeries, up: Scale, size: Size) -> list[Markup]:
    metric = METRICS[series.metric]
    return [
        element(
            "g",
            element(
                "line",
                cls="grid",
                x1=size.left,
                x2=size.width - 8,
                y1=up.at(each),
                y2=up.at(each),
            ),
            element(
                "text",
                quantity(metric, each) if each else "0",
                cls="tick",
                x=size.left - 7,
                y=up.at(each) + 4,
                text_anchor="end",
            ),
        )
        for each in ticks(up.low, up.high, 4)
    ]


def _band(series: HistorySeries, up: Scale, size: Size) -> list[Markup]:
    """The baseline's centre, and the part in which the next run would be suspicious."""
    band = series.band
    if band is None:
        return []
    edge = up.low if band.suspicious < band.centre else up.high
    top, bottom = sorted((up.at(band.suspicious), up.at(edge)))
    centre = up.at(band.centre)
    ends = {"x1": size.left, "x2": size.width - 8}
    return [
        element(
            "rect",
            cls="beyond",
            x=size.left,
            y=top,
            width=size.width - 8 - size.left,
            height=bottom - top,
        ),
        element("line", cls="centre", y1=centre, y2=centre, **ends),
    ]


def _levels(
    series: HistorySeries, places: Mapping[str, int], along: Scale, up: Scale
) -> list[Markup]:
    """A line for each level between two changes; the first reaches back to the first run."""
    if not series.changes:
        return []
    starts = [0, *(places[each.run] for each in series.changes), len(series.points)]
    values = [series.changes[0].before, *(each.after for each in series.changes)]
    bands = [
        _level_band(each, along.at(start - 0.5), along.at(end - 0.5), up)
        for each, (start, end) in zip(series.changes, list(pairwise(starts))[1:], strict=True)
    ]
    return bands + [
        element(
            "line",
            cls="level",
            x1=along.at(start - 0.5),
            x2=along.at(end - 0.5),
            y1=up.at(value),
            y2=up.at(value),
        )
        for (start, end), value in zip(pairwise(starts), values, strict=True)
    ]


def _level_band(each: LevelChange, left: float, right: float, up: Scale) -> Markup:
    """Where the new level is with 95 %, by the interval of its step."""
    ends = (up.at(each.before * (1 + each.low)), up.at(each.before * (1 + each.high)))
    top, bottom = sorted(ends)
    return element("rect", cls="level", x=left, y=top, width=right - left, height=bottom - top)


def _changes(
    series: HistorySeries, places: Mapping[str, int], along: Scale, size: Size
) -> list[Markup]:
    """An upright line at the first run of each new level, its size and interval above."""
    found, free_from = [], 0.0
    for each in series.changes:
        x = along.at(places[each.run] - 0.5)
        bottom = size.height - _BELOW
        found.append(element("line", cls="changed", x1=x, x2=x, y1=_TOP, y2=bottom))
        words = signed(each.change)
        if size is WIDE:
            words += f" ({signed(each.low)} to {signed(each.high)})"
        room = 3.4 * len(words)
        middle = min(max(x, size.left + room), size.width - room)
        if middle - room >= free_from:
            found.append(element("text", words, x=middle, y=14.0, text_anchor="middle"))
            free_from = middle + room
    return found


def _anchor(x: float, size: Size) -> Markup:
    """A small flag on the axis: the baseline begins here."""
    y = size.height - _BELOW
    flag = f"M{x:.1f} {y:.1f}v-16l9 4.500l-9 4.500"
    words = element("title", "the baseline begins with this run: a confirmed change of level")
    return element("path", words, cls="anchor", d=flag)


def _times(points: Sequence[HistoryPoint], along: Scale, size: Size) -> list[Markup]:
    count = len(points)
    shown = sorted({round(n * (count - 1) / max(1, size.times - 1)) for n in range(size.times)})
    return [
        element(
            "text",
            datetime.fromtimestamp(points[number].created_s, UTC).strftime("%d %b %Y"),
            cls="tick",
            x=min(max(along.at(number), size.left + 18), size.width - 40),
            y=size.height - 8,
            text_anchor="middle",
        )
        for number in shown
    ]


def _sign(point: HistoryPoint, x: float, up: Scale, size: Size, links: Mapping[str, str]) -> Markup:
    """A disc, cross, diamond or ring, with the interval of its mean; it leads to the report."""
    y = up.at(point.value)
    look = "none" if point.reason is None else point.reason.outcome.value
    said = "not judged" if point.reason is None else point.reason.value.replace("_", " ")
    parts = [element("title", f"{point.run}: {point.value:.5g}, {said}")]
    if point.low is not None and point.high is not None:
        ends = {"y1": up.at(point.low), "y2": up.at(point.high)}
        parts.append(element("line", cls="own", x1=x, x2=x, **ends))
    parts.append(_shape(look, x, y, size.sign))
    cls = f"sign {look}" if point.is_comparable else f"sign {look} stranger"
    group = element("g", *parts, cls=cls)
    link = links.get(point.run)
    return group if link is None else element("a", group, href=link)


def _shape(look: str, x: float, y: float, size: float) -> Markup:
    far = size * 1.35
    if look == "fail":
        cross = f"M{x - size:.1f} {y - size:.1f}l{2 * size:g} {2 * size:g}"
        back = f"M{x + size:.1f} {y - size:.1f}l{-2 * size:g} {2 * size:g}"
        return element("path", cls="cross", d=f"{cross}{back}")
    if look == "inconclusive":
        diamond = f"M{x:.1f} {y - far:.1f}l{far:g} {far:g}l{-far:g} {far:g}l{-far:g} {-far:g}z"
        return element("path", d=diamond)
    return element("circle", cls="ring" if look == "none" else None, cx=x, cy=y, r=size)
