"""Sizes, durations, rates and shares as people write them, and back.

Sizes are binary, as fio reads them by default: `4k` is 4096 bytes.  Durations
come back in seconds, latencies in nanoseconds.
"""

from __future__ import annotations

import math
import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?", re.IGNORECASE)
_SIZE_FACTOR = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|h|d)")
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
    size = float(match[1]) * _SIZE_FACTOR[match[2].lower()]
    if size != int(size):
        raise ValueError(f"{text!r} is not a whole number of bytes")
    return int(size)


def parse_duration_ns(text: str | int | float) -> int:
    """Nanoseconds in `60s`, `1h30m`, `2ms` or a plain number of seconds."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a duration; write 60s, 20m or 1h30m")
    if isinstance(text, (int, float)):
        if not math.isfinite(text) or text < 0:
            raise ValueError(f"a duration must be finite and not negative: {text}")
        return round(text * 1e9)
    stripped = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", stripped):
        return round(float(stripped) * 1e9)
    if _DURATION.fullmatch(stripped) is None:
        raise ValueError(f"{text!r} is not a duration; write 60s, 20m or 1h30m")
    return round(sum(float(number) * _NS[unit] for number, unit in _PART.findall(stripped)))


def parse_duration_s(text: str | int | float) -> float:
    """Seconds in a duration as `parse_duration_ns` reads it."""
    return parse_duration_ns(text) / 1e9


def parse_share(text: str | int | float) -> float:
    """A share of one: `20%` and `0.2` are the same; at most 1."""
    if isinstance(text, bool):
        raise ValueError(f"{text} is not a share; write 20% or 0.2")
    if isinstance(text, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
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
    """A duration for people: `45s`, `3m20s`, `2h05m`."""
    if seconds < 60:
        return f"{seconds:.0f}s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes}m{rest:02d}s" if rest else f"{minutes}m"
    hours, rest = divmod(whole, 3600)
    return f"{hours}h{rest // 60:02d}m"


def render_ns(nanoseconds: float) -> str:
    """A latency for people, three significant figures: `812 ns`, `1.23 ms`."""
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def render_rate(bytes_per_s: float) -> str:
    """A bandwidth for people in binary units: `143 MiB/s`."""
    for unit, factor in (("GiB/s", 1 << 30), ("MiB/s", 1 << 20), ("KiB/s", 1 << 10)):
        if bytes_per_s >= factor:
            return f"{bytes_per_s / factor:.3g} {unit}"
    return f"{bytes_per_s:.3g} B/s"


def render_count(value: float) -> str:
    """A plain number for people: `812`, `12.4 k`, `3.20 M`."""
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= factor * 10 or (unit != "k" and value >= factor):
            return f"{value / factor:.3g} {unit}"
    return f"{value:.4g}"
