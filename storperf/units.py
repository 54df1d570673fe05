"""Sizes, durations, rates and shares as people write them, and back.

Sizes are binary, as fio reads them by default: `4k` is 4096 bytes.  Durations
come back in seconds, latencies in nanoseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction

# Digits are ASCII and few: int() and float() read Arabic ones, and 1e400 is no number of bytes.
_NUMBER = r"[0-9]{1,30}(?:\.[0-9]{1,30})?"
_SIZE = re.compile(rf"({_NUMBER})\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_SIZE_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_PART = re.compile(rf"({_NUMBER})\s*(ns|us|µs|ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern}\s*)+")
_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_LONGEST_S = 1e12


def parse_size(text: str | int) -> int:
    """Bytes in `4k`, `1.5 GiB`, `64MB` or a plain number; ValueError says what was expected."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a size; write 4k, 64M or 1G")
    if isinstance(text, int):
        if text < 0:
            raise ValueError(f"a size cannot be negative: {text}")
        return text
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write 4k, 64M or 1G")
    size = Fraction(match[1]) * _SIZE_FACTOR[match[2].lower()]
    if size.denominator != 1:
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return size.numerator


def parse_duration_ns(text: str | int | float) -> int:
    """Nanoseconds in `60s`, `1h30m`, `2ms` or a plain number of seconds."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a duration; write 60s, 20m or 1h30m")
    if isinstance(text, (int, float)):
        if not 0 <= text <= _LONGEST_S:
            raise ValueError(f"a duration must be finite and not negative: {text}")
        return round(Fraction(text) * _NS["s"])
    stripped = text.strip()
    if re.fullmatch(_NUMBER, stripped):
        return round(Fraction(stripped) * _NS["s"])
    if _DURATION.fullmatch(stripped) is None:
        raise ValueError(f"{text!r} is not a duration; write 60s, 20m or 1h30m")
    return round(sum(Fraction(number) * _NS[unit] for number, unit in _PART.findall(stripped)))


def parse_duration_s(text: str | int | float) -> float:
    """Seconds in a duration as `parse_duration_ns` reads it."""
    return parse_duration_ns(text) / 1e9


def parse_share(text: str | int | float) -> float:
    """A share of one: `20%` and `0.2` are the same; at most 1."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a share; write 20% or 0.2")
    if isinstance(text, str):
        match = re.fullmatch(rf"({_NUMBER})\s*(%?)", text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not a share; write 20% or 0.2")
        share = float(match[1]) / (100 if match[2] else 1)
    else:
        share = float(text)
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r} is not between 0 and 100 %")
    return share


def render_size(size_bytes: int) -> str:
    """The shortest exact form with a binary unit: 4096 is `4k`, 1073741824 is `1G`."""
    for unit in ("P", "T", "G", "M", "k"):
        factor = _SIZE_FACTOR[unit.lower()]
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return str(size_bytes)


def render_duration(seconds: float) -> str:
    """A duration for people: `250ms`, `1.5s`, `45s`, `3m20s`, `2h05m`."""
    if 0 < seconds < 0.9995:
        return f"{seconds * 1000:.3g}ms"
    if seconds < 59.5:
        return f"{seconds:.0f}s" if seconds >= 9.95 else f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}m{rest:02d}s" if rest else f"{minutes}m"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours}h{minutes:02d}m"


def render_ns(nanoseconds: float) -> str:
    """A latency for people, three significant figures: `812 ns`, `1.23 ms`."""
    return _scaled(nanoseconds, 1000, ("ns", "us", "ms", "s"))


def render_rate(bytes_per_s: float) -> str:
    """A bandwidth for people in binary units: `143 MiB/s`."""
    return _scaled(bytes_per_s, 1024, ("B/s", "KiB/s", "MiB/s", "GiB/s"))


def render_bytes(size_bytes: float) -> str:
    """A size for people, three significant figures: `74.8 GiB`."""
    return _scaled(size_bytes, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))


def render_count(value: float) -> str:
    """A plain number for people: `812`, `8124`, `12.4 k`, `3.2 M`."""
    if value < 9999.5:
        return _figures(value, 4)
    return _scaled(value / 1000, 1000, ("k", "M", "G"))


def _scaled(value: float, step: int, units: tuple[str, ...]) -> str:
    """Three figures and the largest unit that leaves a whole part."""
    index = 0
    while index < len(units) - 1 and round(value) >= step:
        value /= step
        index += 1
    return f"{_figures(value, 3)} {units[index]}"


def _figures(value: float, figures: int) -> str:
    """That many significant figures, or all digits of a longer whole part; no exponent."""
    whole = len(str(int(abs(float(f"{value:.{figures - 1}e}")))))
    text = f"{value:.{max(0, figures - whole)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_moment_s(text: str, now_s: float) -> float:
    """The epoch second of `2026-11-22`, `2026-11-22T10:30` (UTC), epoch seconds, or `30d` ago."""
    if re.fullmatch(r"[0-9]{9,10}", text):
        return float(text)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", text):
            stamp = datetime.fromisoformat(text.removesuffix("Z"))
            return stamp.replace(tzinfo=stamp.tzinfo or UTC).timestamp()
        return now_s - parse_duration_s(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no time; say 2026-11-22, 2026-11-22T10:30 (UTC), epoch seconds, "
            "or 30d for 30 days ago"
        ) from error
