"""Pictures drawn here, so that they need no script: scales, ticks and safe elements.

Colours and sizes of text are those of page.css; a picture is as wide as its place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From values (`low` to `high`) to places on the picture (`start` to `end`)."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands; what lies outside stands at the edge."""
        low, high, each = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, each = math.log(low), math.log(high), math.log(each)
        share = 0.5 if high == low else (each - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return self.low <= value <= self.high


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values from `low` to `high`, at most so many, evenly apart."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """The smallest and the largest of some values, with some room beyond."""
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * share or 1.0
    return low - room, high + room


def element(name: str, *inside: Markup | str, **attributes: object) -> Markup:
    """An element; `cls` is its class, `_` in a name stands for `-`.  Text inside is escaped."""
    told = Markup("").join(
        Markup(' {}="{}"').format("class" if key == "cls" else key.replace("_", "-"), _short(value))
        for key, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(escape(each) for each in inside)
    # The name is a word of ours, the rest is escaped.
    return Markup(f"<{name}{told}>{content}</{name}>")  # noqa: S704


def picture(*inside: Markup, width: float, height: float, cls: str, label: str) -> Markup:
    """A picture of so many units; `label` says in words what it shows."""
    return element(
        "svg",
        element("title", label),
        *inside,
        cls=f"drawn {cls}",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
    )


def _short(value: object) -> object:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
