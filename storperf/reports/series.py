"""Changes of level and steadiness of plain series, for a program and for a terminal."""

from __future__ import annotations

from typing import Any

from storperf.model.change import Change
from storperf.model.series import Series
from storperf.model.steady_series import SteadyReason, SteadySeries
from storperf.reports.clean import line
from storperf.stats.wording import change as change_words
from storperf.stats.wording import signed

CHANGES_SCHEMA = "storperf-changes/1"
STEADY_SCHEMA = "storperf-steady/1"


def changes_document(series: Series, changes: tuple[Change, ...]) -> dict[str, Any]:
    """One series with its changes; shares of the old level, -0.12 is 12 % less."""
    return {
        "schema": CHANGES_SCHEMA,
        "series": series.name,
        "runs": len(series.values),
        "missing": series.rows - len(series.values),
        "changes": [
            {
                "index": series.places[each.index],
                "run": series.labels[each.index],
                "before": each.before,
                "after": each.after,
                "change": each.change,
                "interval": _interval(each.low, each.high),
            }
            for each in changes
        ],
    }


def steady_document(series: Series, judged: SteadySeries) -> dict[str, Any]:
    """One series with its judgement; figures in the unit of its values, slope a round."""
    return {
        "schema": STEADY_SCHEMA,
        "series": series.name,
        "steady": judged.reason.is_steady,
        "reason": judged.reason.value,
        "missing": series.rows - len(series.values),
        "warmup_s": judged.warmup_s,
        "round_s": judged.round_s,
        "range": judged.range,
        "slope": judged.slope,
        "excursion": judged.excursion,
        "mean": judged.mean,
        "mean_interval": _interval(judged.mean_low, judged.mean_high),
        "drift": judged.drift,
        "drift_interval": _interval(judged.drift_low, judged.drift_high),
    }


def _interval(low: float | None, high: float | None) -> list[float] | None:
    return None if low is None or high is None else [low, high]


def changes_line(series: Series, changes: tuple[Change, ...]) -> str:
    """One series in a line."""
    told = [
        f"from {line(series.labels[each.index])} on {each.before:.6g} became {each.after:.6g}"
        + ("" if each.change is None else f", {change_words(each.change)}")
        for each in changes
    ]
    return _named(series, "; ".join(told) or "no change of level")


def steady_line(series: Series, judged: SteadySeries) -> str:
    """One series in a line."""
    if judged.reason.is_steady is None:
        return _named(series, f"not judged: {judged.reason.value}")
    is_steady = judged.reason is SteadyReason.STEADY
    words = "steady" if is_steady else f"not steady: {judged.reason.value}"
    mean = "" if judged.mean is None else f", mean {judged.mean:.6g}"
    drift = "" if judged.drift is None else f", drift {signed(judged.drift)}"
    return _named(series, f"{words}, warm-up {judged.warmup_s:g} s{mean}{drift}")


def _named(series: Series, words: str) -> str:
    return f"{line(series.name)}: {words}" if series.name else words
