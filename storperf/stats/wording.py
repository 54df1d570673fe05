"""Figures and changes in the words of a verdict."""

from __future__ import annotations

from storperf.model.metric import METRICS, Metric
from storperf.units import render_count, render_ns, render_rate


def quantity(metric: Metric, value: float) -> str:
    """A figure with its unit, three or four digits."""
    if metric.unit == "ns":
        return render_ns(value)
    if metric.unit == "B/s":
        return render_rate(value)
    return render_count(value)


def figure_name(op: str | None, metric: str) -> str:
    """The figure as people say it: `read IOPS`."""
    label = METRICS[metric].label
    return label if op is None else f"{op} {label}"


def percent(share: float) -> str:
    """A share without its sign; one digit after the point below ten percent."""
    size = abs(share) * 100
    return f"{size:.1f} %" if size < 9.95 else f"{size:.0f} %"


def change(share: float) -> str:
    """A change in words: `3.2 % lower`."""
    return f"{percent(share)} {'lower' if share < 0 else 'higher'}"


def signed(share: float) -> str:
    """A change with its sign: `-3.2 %`."""
    return f"{'-' if share < 0 else '+'}{percent(share)}"


def count(number: int, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
