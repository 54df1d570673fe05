"""The live view as text: pure, from a state to lines that fit the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from storperf.cli.live import LiveRun, LiveStep, Mark, steady_word
from storperf.reports.clean import line
from storperf.units import render_count, render_duration, render_ns, render_rate, render_size

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEVELS = "_.-=+*#@"
_MARKS = {Mark.WAITING: "·", Mark.RUNNING: "▶", Mark.DONE: "✓", Mark.FAILED: "✗"}
_PLAIN_MARKS = {Mark.WAITING: " ", Mark.RUNNING: ">", Mark.DONE: "*", Mark.FAILED: "x"}
_STYLES = {Mark.WAITING: "dim", Mark.RUNNING: "bold", Mark.DONE: "", Mark.FAILED: "red"}
_WORD_STYLES = {
    "steady so far": "green",
    "steady": "green",
    "not yet": "dim",
    "not steady": "yellow",
    "failed": "red",
    "cancelled": "red",
}
_FIGURE, _P99, _LEFT, _WORD = 12, 9, 6, 14
_LEAST_SPARK, _MOST_SPARK = 8, 60
_BAR = 24
_LEAST_NAME = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How wide each column is; 0 leaves it out."""

    name: int
    spark: int
    figure: int
    p99: int
    left: int
    word: int


def columns_of(width: int, longest_name: int) -> Columns:
    """What a terminal has room for: name and figure first, then steadiness, p99, ETA, spark."""
    widths = {"word": 0, "p99": 0, "left": 0}
    rest = width - 2 - (_FIGURE + 1)
    others = _WORD + _P99 + _LEFT + _LEAST_SPARK + 4
    name = max(1, min(longest_name, rest, max(_LEAST_NAME, rest - others)))
    rest -= name
    for key, size in (("word", _WORD), ("p99", _P99), ("left", _LEFT)):
        if rest >= size + 1:
            widths[key] = size
            rest -= size + 1
        else:
            break
    spark = min(_MOST_SPARK, rest - 1)
    if spark < _LEAST_SPARK:
        spark = 0
    return Columns(name=name, spark=spark, figure=_FIGURE, **widths)


def picture(
    state: LiveRun, now_s: float, width: int, height: int, *, is_plain: bool = False
) -> list[Text]:
    """At most `height` lines of at most `width` columns; `is_plain` keeps to ASCII."""
    width, height = max(1, width), max(1, height)
    columns = columns_of(width, max((cell_len(line(step.key)) for step in state.steps), default=1))
    lines = [_bar(state, now_s, width, is_plain=is_plain)]
    if height >= 3:
        lines.append(_headings(columns))
        lines += _rows(state, now_s, columns, height - 2, is_plain=is_plain)
    for text in lines:
        text.truncate(width, overflow="crop")
    return lines[:height]


def _bar(state: LiveRun, now_s: float, width: int, *, is_plain: bool) -> Text:
    share = state.done(now_s)
    filled = round(share * _BAR)
    full, empty = ("#", "-") if is_plain else ("━", "━")
    text = Text()
    if width >= _BAR + 30:
        text.append(full * filled, style="cyan").append(empty * (_BAR - filled), style="dim")
        text.append(" ")
    text.append(f"{share:4.0%}", style="bold")
    text.append(f"  ETA {render_duration(round(state.left_s(now_s)))}")
    text.append(f"  {_doing(state)}")
    text.append(f"  {line(state.job)}", style="bold").append(f" {line(state.run)}", style="dim")
    return text


def _doing(state: LiveRun) -> str:
    if state.fill_start_s is not None:
        share = state.filled_bytes / state.fill_bytes if state.fill_bytes else 0.0
        return f"filling {render_size(state.fill_bytes)}, {min(1.0, share):.0%}"
    if state.trial_start_s is not None:
        return f"trial {min(state.stored + 1, state.trials)} of {state.trials}"
    return state.aside or state.phase


def _headings(columns: Columns) -> Text:
    cells = [
        ("  " + "step".ljust(columns.name), 2 + columns.name),
        ("so far", columns.spark),
        ("now or mean".rjust(_FIGURE), columns.figure),
        ("p99 clat".rjust(_P99), columns.p99),
        ("ETA".rjust(_LEFT), columns.left),
        ("", columns.word),
    ]
    text = " ".join(set_cell_size(words, size) for words, size in cells if size)
    return Text(text.rstrip(), style="dim", no_wrap=True)


def _rows(
    state: LiveRun, now_s: float, columns: Columns, room: int, *, is_plain: bool
) -> list[Text]:
    """The steps around the present one, with a word about those that have no room."""
    steps = state.steps
    if len(steps) <= room:
        return [_row(state, step, now_s, columns, is_plain=is_plain) for step in steps]
    shown = max(1, room - 1)
    first = min(max(0, state.current - shown // 2), len(steps) - shown)
    part = steps[first : first + shown]
    rows = [_row(state, step, now_s, columns, is_plain=is_plain) for step in part]
    after = len(steps) - first - shown
    if room > 1:
        rows.append(Text(f"  {first} steps above, {after} below", style="dim", no_wrap=True))
    return rows


def _row(state: LiveRun, step: LiveStep, now_s: float, columns: Columns, *, is_plain: bool) -> Text:
    marks = _PLAIN_MARKS if is_plain else _MARKS
    is_running = step.mark is Mark.RUNNING
    word = step.word
    if is_running:
        word = steady_word(step, state.interval_s, state.steady)
    style = _STYLES[step.mark]
    left = render_duration(round(state.trial_left_s(now_s))) if is_running else ""
    p99 = "" if step.p99_ns is None or not is_running else render_ns(step.p99_ns)
    figure = "" if step.figure is None else _rate(step.metric, step.figure)
    cells = [
        (_sparkline(step.totals, columns.spark, is_plain=is_plain), columns.spark, "cyan"),
        (figure.rjust(_FIGURE), columns.figure, "bold" if figure else ""),
        (p99.rjust(_P99), columns.p99, ""),
        (left.rjust(_LEFT), columns.left, ""),
        (f" {word}", columns.word, _WORD_STYLES.get(word, "")),
    ]
    text = Text(no_wrap=True)
    text.append(f"{marks[step.mark]} ", style=_mark_style(step))
    text.append(set_cell_size(line(step.key), columns.name), style=style)
    for content, size, cell_style in cells:
        if size:
            text.append(" ").append(set_cell_size(content, size), style=cell_style)
    text.rstrip()
    return text


def _mark_style(step: LiveStep) -> str:
    if step.mark is Mark.DONE:
        return "yellow" if step.word == "not steady" else "green"
    return "bold cyan" if step.mark is Mark.RUNNING else _STYLES[step.mark]


def _rate(metric: str, value: float) -> str:
    return f"{render_count(value)} IOPS" if metric == "iops" else render_rate(value)


def _sparkline(values: Sequence[float], width: int, *, is_plain: bool) -> str:
    """The whole trial in at most `width` levels, each the mean of its share of the intervals.

    The line starts at 0, so that noise does not look like drift.
    """
    levels = _LEVELS if is_plain else _BLOCKS
    count = min(width, len(values))
    edges = [place * len(values) // count for place in range(count + 1)] if count else [0]
    means = [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    top = max(means, default=0.0)
    if not top > 0:
        return levels[0] * count
    last = len(levels) - 1
    return "".join(levels[round(min(1.0, max(0.0, mean / top)) * last)] for mean in means)
