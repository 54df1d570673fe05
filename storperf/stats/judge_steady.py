"""Whether a trial was steady, and which part of it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from storperf.model.ending import SteadyRule
from storperf.model.job import Op
from storperf.model.run import Steadiness, SteadyFigures
from storperf.stats.drift import DRIFT_LIMIT, Drift, drift
from storperf.stats.steady import (
    SHORTEST_ROUND_S,
    SniaFigures,
    last_window,
    rounds_from_series,
    snia_window,
)
from storperf.stats.table import Floats
from storperf.stats.warmup import Cut, mser5_cut

Series = Mapping[Op, tuple[Floats, Floats]]
Windows = Mapping[Op, SniaFigures | None]
ROUNDS = 5
_TOO_SHORT = "It ended before one window of rounds was complete."


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyJudgement:
    """`start_s` and `end_s` bound what counts; None is the trial's own start or end."""

    steadiness: Steadiness
    figures: tuple[SteadyFigures, ...]
    start_s: float | None
    end_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """The sums of a trial's rounds by direction; the first began at `start_s` (epoch)."""

    start_s: float
    means: Mapping[Op, Floats]


def judge_fixed(series: Series, metric: str) -> SteadyJudgement:
    """The judgement of a trial of fixed length; each direction's series must not be empty.

    Not steady: MSER-5 would cut more than half, or the 95 % interval of the drift over the
    kept part lies wholly beyond +-10 %, in any direction.  Not judged: fewer than 25 values.
    Steady does not mean proven flat; the figures hold the drift and its interval.
    The SNIA window (five rounds of a fifth of the kept part, 10 s at least) is told only.
    """
    cuts = {op: mser5_cut(values) for op, (_, values) in series.items()}
    cut_s = max(
        float(times[0 if cut is None else cut.values] - _slice_s(times))
        for cut, (times, _) in zip(cuts.values(), series.values(), strict=True)
    )
    figures, states = [], []
    for op, (times, values) in series.items():
        part = _part(op, metric, (times, values), (cut_s, np.inf))
        trend = drift(part.values)
        state, sentence = _fixed_state(cuts[op], trend)
        states.append(state)
        figures.append(_figures(part, trend, _fixed_window(part.times, part.values), sentence))
    is_cut = any(cut is not None and cut.values for cut in cuts.values())
    return SteadyJudgement(
        steadiness=_together(states),
        figures=tuple(figures),
        start_s=cut_s if is_cut else None,
        end_s=None,
    )


def judge_until_steady(
    series: Series,
    rounds: Rounds,
    metric: str,
    rule: SteadyRule,
    *,
    ended_by_steady: bool,
) -> SteadyJudgement:
    """The judgement of a trial that was to run until steady.

    `rounds` holds each direction's `summed_rounds`.  What counts is the window that ended the
    trial: the first one that is steady in every direction, as the engine saw it; else the
    last one.  Steady only if there is such a window and the engine stopped the trial for
    it; a trial that met its deadline is not.
    """
    first = _steady_window(rounds, rule) if ended_by_steady else None
    steadiness = Steadiness.NOT_STEADY if first is None else Steadiness.STEADY
    if first is None:
        first = _last_window(rounds, rule)
    if first is None:
        return _without_window(series, metric, Steadiness.NOT_STEADY)
    figures, span = _in_window(series, rounds, first, (metric, rule), by_steady=ended_by_steady)
    return SteadyJudgement(steadiness=steadiness, figures=figures, start_s=span[0], end_s=span[1])


def judge_last_window(
    series: Series, rounds: Rounds, metric: str, rule: SteadyRule
) -> SteadyJudgement:
    """The judgement of a trial that another rule than SNIA's ended, or another one with it.

    What counts is its last window, and whether that is steady.  Not judged: fewer rounds
    than a window has.
    """
    first = _last_window(rounds, rule)
    if first is None:
        return _without_window(series, metric, Steadiness.NOT_JUDGED)
    steadiness = _state_of(_windows_at(rounds, first, rule))
    figures, span = _in_window(series, rounds, first, (metric, rule), by_steady=True)
    return SteadyJudgement(steadiness=steadiness, figures=figures, start_s=span[0], end_s=span[1])


def judge_whole(series: Series, rounds: Rounds, metric: str, rule: SteadyRule) -> SteadyJudgement:
    """The judgement of a trial that was to become steady and to know its mean.

    What counts is all of it after the warm-up cut, because the mean's interval is of that.
    Steady only if it is by `judge_fixed` and its last window is by SNIA's rule.
    """
    whole = judge_fixed(series, metric)
    first = _last_window(rounds, rule)
    if first is None:
        figures = tuple(
            replace(each, sentence=f"{each.sentence} {_TOO_SHORT}") for each in whole.figures
        )
        return replace(whole, steadiness=Steadiness.NOT_STEADY, figures=figures)
    windows = _windows_at(rounds, first, rule)
    figures = tuple(_with_window(each, windows[Op(each.op)], rule) for each in whole.figures)
    states = [whole.steadiness, _state_of(windows)]
    return replace(whole, steadiness=_together(states), figures=figures)


def _with_window(
    figures: SteadyFigures, snia: SniaFigures | None, rule: SteadyRule
) -> SteadyFigures:
    sentence = _window_sentence(snia, rule, ended_by_steady=True)
    return replace(
        figures,
        snia_range=None if snia is None else snia.range_share,
        snia_excursion=None if snia is None else snia.excursion_share,
        snia_steady=None if snia is None else snia.is_steady,
        sentence=f"{figures.sentence} {sentence}",
    )


def _in_window(
    series: Series, rounds: Rounds, first: int, asked: tuple[str, SteadyRule], *, by_steady: bool
) -> tuple[tuple[SteadyFigures, ...], tuple[float, float]]:
    """Each direction's figures of one window, and where it lies (epoch s)."""
    metric, rule = asked
    start = rounds.start_s + first * rule.round_s
    span = (start, start + rule.rounds * rule.round_s)
    figures = []
    for op, pair in series.items():
        snia = _window_at(rounds.means[op], first, rule)
        part = _part(op, metric, pair, span)
        trend = drift(part.values)
        told = _window_sentence(snia, rule, ended_by_steady=by_steady) + _told_drift(trend)
        figures.append(_figures(part, trend, snia, told))
    return tuple(figures), span


def _last_window(rounds: Rounds, rule: SteadyRule) -> int | None:
    """The first round of the last window that is whole in every direction."""
    found = [last_window(values, rule) for values in rounds.means.values()]
    return None if None in found else min(number for number in found if number is not None)


def _windows_at(rounds: Rounds, first: int, rule: SteadyRule) -> Windows:
    return {op: _window_at(values, first, rule) for op, values in rounds.means.items()}


def _state_of(windows: Windows) -> Steadiness:
    is_steady = all(snia is not None and snia.is_steady for snia in windows.values())
    return Steadiness.STEADY if is_steady else Steadiness.NOT_STEADY


def _steady_window(rounds: Rounds, rule: SteadyRule) -> int | None:
    """The first round of the first window that is steady in every direction."""
    count = min(len(values) for values in rounds.means.values())
    for first in range(count - rule.rounds + 1):
        if _state_of(_windows_at(rounds, first, rule)) is Steadiness.STEADY:
            return first
    return None


def _window_at(values: Floats, first: int, rule: SteadyRule) -> SniaFigures | None:
    """SNIA's figures of one window; None when a round is unknown or nothing was done."""
    window = values[first : first + rule.rounds]
    if len(window) < rule.rounds or not float(window.sum()) > 0:
        return None
    return snia_window(window.tolist(), rule)


def _without_window(series: Series, metric: str, steadiness: Steadiness) -> SteadyJudgement:
    parts = [_part(op, metric, pair, (-np.inf, np.inf)) for op, pair in series.items()]
    figures = tuple(_figures(part, drift(part.values), None, _TOO_SHORT) for part in parts)
    return SteadyJudgement(steadiness=steadiness, figures=figures, start_s=None, end_s=None)


def _slice_s(times: Floats) -> float:
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _together(states: list[Steadiness]) -> Steadiness:
    for state in (Steadiness.NOT_STEADY, Steadiness.NOT_JUDGED):
        if state in states:
            return state
    return Steadiness.STEADY


def _fixed_state(cut: Cut | None, trend: Drift | None) -> tuple[Steadiness, str]:
    if cut is not None and cut.is_more_than_half:
        return Steadiness.NOT_STEADY, "It never settled: the warm-up cut is more than half of it."
    if trend is not None and trend.is_beyond_limit:
        return Steadiness.NOT_STEADY, (
            f"It drifts by {trend.share:+.1%} over the kept part"
            f" (95 % interval {trend.low:+.1%} to {trend.high:+.1%}, allowed {DRIFT_LIMIT:.0%})."
        )
    if cut is None or trend is None:
        return Steadiness.NOT_JUDGED, "It is too short to tell whether it is steady."
    return Steadiness.STEADY, (
        f"It drifts by {trend.share:+.1%} over the kept part"
        f" (95 % interval {trend.low:+.1%} to {trend.high:+.1%}),"
        f" which is not surely more than {DRIFT_LIMIT:.0%}."
    )


def _window_sentence(snia: SniaFigures | None, rule: SteadyRule, *, ended_by_steady: bool) -> str:
    if snia is None:
        return "There was no I/O in the last window."
    figures = (
        f"over the last {rule.rounds} rounds of {rule.round_s:g} s the range was"
        f" {snia.range_share:.1%} of the average (limit {rule.range_limit:.0%}) and the line"
        f" changed by {snia.excursion_share:.1%} (limit {rule.slope_limit:.0%})."
    )
    if snia.is_steady and ended_by_steady:
        return f"Steady: {figures}"
    if snia.is_steady:
        return f"It met its deadline; {figures}"
    return f"Not steady: {figures}"


def _told_drift(trend: Drift | None) -> str:
    """SNIA's rule accepts a drift of 10 %: who reads it is to see how large this one is."""
    if trend is None:
        return ""
    span = f"95 % interval {trend.low:+.1%} to {trend.high:+.1%}"
    return f" It drifts by {trend.share:+.1%} over the window ({span})."


def _fixed_window(times: Floats, values: Floats) -> SniaFigures | None:
    """SNIA's figures over the whole kept part; None when its fifth is shorter than 10 s."""
    if len(times) < 2:
        return None
    round_s = len(values) * _slice_s(times) / ROUNDS
    if round_s < SHORTEST_ROUND_S:
        return None
    means = np.array(rounds_from_series(times, values, round_s)[-ROUNDS:])
    return _window_at(means, 0, SteadyRule(round_s=round_s, rounds=ROUNDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The part of one direction's series that counts."""

    op: Op
    metric: str
    warmup_s: float
    times: Floats
    values: Floats


def _part(
    op: Op, metric: str, series: tuple[Floats, Floats], window_s: tuple[float, float]
) -> _Part:
    times, values = series
    slice_s = _slice_s(times)
    middle = times - slice_s / 2
    kept = (middle > window_s[0]) & (middle < window_s[1])
    warmup_s = max(0.0, window_s[0] - float(times[0] - slice_s)) if len(times) else 0.0
    return _Part(op=op, metric=metric, warmup_s=warmup_s, times=times[kept], values=values[kept])


def _figures(
    part: _Part, trend: Drift | None, snia: SniaFigures | None, sentence: str
) -> SteadyFigures:
    return SteadyFigures(
        warmup_s=part.warmup_s,
        kept_s=len(part.times) * _slice_s(part.times),
        metric=part.metric,
        op=part.op.value,
        average=float(part.values.mean()) if len(part.values) else 0.0,
        drift=None if trend is None else trend.share,
        drift_low=None if trend is None else trend.low,
        drift_high=None if trend is None else trend.high,
        snia_range=None if snia is None else snia.range_share,
        snia_excursion=None if snia is None else snia.excursion_share,
        snia_steady=None if snia is None else snia.is_steady,
        sentence=sentence,
    )
