"""When a schedule is due.  Pure: times are epoch seconds, chance comes in as an argument.

A night has one half past two, whatever the clocks do: of an hour that comes twice the first one
counts, and a time that is skipped is as long after the jump as it would have been after it.
Every so many hours means hours that pass, not what a clock on the wall shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storperf.errors import UsageError

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SHORTEST_S, _LONGEST_S = 60.0, 366 * 86_400.0
_LONGEST_JITTER_S = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Daily `at` a time of a zone, or `every_s` seconds from `from_s` on: one of the two.

    Inside `window` only, from the first time of day to the second, over midnight too.  Each due
    time comes up to `jitter_s` later, as chance will have it, so that not all begin at once.
    """

    zone: str = "UTC"
    at: time | None = None
    every_s: float | None = None
    from_s: float = 0.0
    window: tuple[time, time] | None = None
    jitter_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what can never be due, or would be due all the time."""
        faults = "; ".join(_faults(self))
        if faults:
            raise UsageError(f"this is no schedule: {faults}")


def _faults(rule: Rule) -> Iterator[str]:
    if (rule.at is None) == (rule.every_s is None):
        yield "say either at what time of day, or every how many hours"
    if rule.every_s is not None and not _SHORTEST_S <= rule.every_s <= _LONGEST_S:
        yield "every 1m to every 366d is possible"
    if rule.window is not None and rule.window[0] == rule.window[1]:
        yield "the window begins when it ends"
    if rule.window is not None and rule.at is not None and not _is_within(rule.window, rule.at):
        yield f"{_text(rule.at)} is outside the window {_text(rule.window[0])} to " + _text(
            rule.window[1]
        )
    longest_s = min(_LONGEST_JITTER_S, (rule.every_s or math.inf) / 2)
    if not 0 <= rule.jitter_s <= longest_s:
        yield "the jitter is at most half of what is between two runs, and 12h"
    try:
        ZoneInfo(rule.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"no time zone is called {rule.zone!r}; one is called Europe/Vienna"


def next_time(rule: Rule, after_s: float) -> float:
    """The first moment after `after_s` at which the rule is due, without jitter."""
    if rule.at is not None:
        return _next_at(rule, rule.at, after_s)
    every_s = rule.every_s or _LONGEST_S
    due_s = rule.from_s + (math.floor((after_s - rule.from_s) / every_s) + 1) * every_s
    if due_s <= after_s:  # the quotient was rounded up to a whole number
        due_s += every_s
    if rule.window is None or is_inside(rule, due_s):
        return due_s
    return _next_at(rule, rule.window[0], due_s)


def with_jitter(rule: Rule, due_s: float, share: float) -> float:
    """The due time, later by that share (0 to 1) of the jitter; never after the window's end."""
    late_s = due_s + rule.jitter_s * share
    end_s = window_end(rule, due_s)
    return late_s if end_s is None else max(due_s, min(late_s, end_s - 1.0))


def is_inside(rule: Rule, at_s: float) -> bool:
    """Whether a moment is inside the window; always, without one."""
    clock = datetime.fromtimestamp(at_s, ZoneInfo(rule.zone)).time()
    return rule.window is None or _is_within(rule.window, clock)


def window_end(rule: Rule, at_s: float) -> float | None:
    """When the window closes that a moment is in; None without one."""
    return None if rule.window is None else _next_at(rule, rule.window[1], at_s)


def _next_at(rule: Rule, clock: time, after_s: float) -> float:
    zone = ZoneInfo(rule.zone)
    day = datetime.fromtimestamp(after_s, UTC).date() - timedelta(days=1)
    while (moment_s := datetime.combine(day, clock, zone).timestamp()) <= after_s:
        day += timedelta(days=1)
    return moment_s


def _is_within(window: tuple[time, time], clock: time) -> bool:
    begin, end = window
    return begin <= clock < end if begin < end else clock >= begin or clock < end


# --- as values -------------------------------------------------------------------------------


def parse_rule(values: Mapping[str, object]) -> Rule:
    """The rule in plain JSON values; UsageError for what is none."""
    window = values.get("window")
    if window is not None and not (isinstance(window, list | tuple) and len(window) == 2):
        raise UsageError("a window is two times of day, as 22:00 and 06:00")
    at = values.get("at")
    try:
        return Rule(
            zone=str(values.get("zone") or "UTC"),
            at=None if at is None else parse_clock(str(at)),
            every_s=_number(values.get("every_s")),
            from_s=_number(values.get("from_s")) or 0.0,
            window=None
            if window is None
            else (parse_clock(str(window[0])), parse_clock(str(window[1]))),
            jitter_s=_number(values.get("jitter_s")) or 0.0,
        )
    except ValueError as error:
        raise UsageError(f"this is no schedule: {error}") from error


def parse_clock(text: str) -> time:
    """A time of day, as 02:30; UsageError for what is none."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no time of day; one is 02:30, another 22:00")
    return time(int(found[1]), int(found[2]))


def rule_values(rule: Rule) -> dict[str, object]:
    """The rule as plain JSON values."""
    values: dict[str, object] = {
        "zone": rule.zone,
        "at": None if rule.at is None else _text(rule.at),
        "every_s": rule.every_s,
        "from_s": rule.from_s,
        "window": None if rule.window is None else [_text(each) for each in rule.window],
        "jitter_s": rule.jitter_s,
    }
    return {name: value for name, value in values.items() if value is not None}


def _text(clock: time) -> str:
    return clock.strftime("%H:%M")


def _number(value: object) -> float | None:
    if value is None:
        return None
    found = float(str(value))
    if not math.isfinite(found):
        raise ValueError(f"{value} is no number of seconds")
    return found
