"""Rates from counters that wrap, start anew, or go back a little.

A kernel keeps many counters in 32 bits: all of them where a `long` has 32, the milliseconds
of /proc/diskstats everywhere.  One that wraps is smaller than before and no less right.  One
that belongs to a device that was replaced is smaller too, and means nothing.

The rule: a counter that went back has wrapped when it was below 2^32 before and the step over
2^32 is one that the device could have done in that time, at most half of the range.
Otherwise the device started anew, and then none of its counters gives a figure for this slice,
also not those that went on by chance.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional

from storperf.agent.proc_texts import Counters, Figures

WRAP = 1 << 32
_HALF = WRAP >> 1


class Field(NamedTuple):
    """What a counter is called as a figure, its unit, and what no device exceeds a second."""

    figure: str
    unit: float
    most_per_s: float


_SECTOR_BYTES = 512
_MOST_IOS = 1e8
_MOST_SECTORS = 2.0**28  # 137 GB/s
_MOST_WAITING_MS = 1e8  # 100,000 I/Os in flight
_MOST_BUSY_MS = 2e3
_MOST_BYTES = 1e11  # 800 Gbit/s

DEVICE = {
    "reads": Field("reads", 1, _MOST_IOS),
    "read_merges": Field("read_merges", 1, _MOST_IOS),
    "read_sectors": Field("read_bytes", _SECTOR_BYTES, _MOST_SECTORS),
    "read_ms": Field("read_time", 1e-3, _MOST_WAITING_MS),
    "writes": Field("writes", 1, _MOST_IOS),
    "write_merges": Field("write_merges", 1, _MOST_IOS),
    "write_sectors": Field("write_bytes", _SECTOR_BYTES, _MOST_SECTORS),
    "write_ms": Field("write_time", 1e-3, _MOST_WAITING_MS),
    "busy_ms": Field("busy", 1e-3, _MOST_BUSY_MS),
    "queue_ms": Field("queue", 1e-3, _MOST_WAITING_MS),
    "discards": Field("discards", 1, _MOST_IOS),
    "discard_merges": Field("discard_merges", 1, _MOST_IOS),
    # A discard moves nothing: a whole disk takes a second.
    "discard_sectors": Field("discard_bytes", _SECTOR_BYTES, WRAP),
    "discard_ms": Field("discard_time", 1e-3, _MOST_WAITING_MS),
    "flushes": Field("flushes", 1, _MOST_IOS),
    "flush_ms": Field("flush_time", 1e-3, _MOST_WAITING_MS),
}
NET = {
    "receive_bytes": Field("receive_bytes", 1, _MOST_BYTES),
    "receive_packets": Field("receive_packets", 1, 10 * _MOST_IOS),
    "transmit_bytes": Field("transmit_bytes", 1, _MOST_BYTES),
    "transmit_packets": Field("transmit_packets", 1, 10 * _MOST_IOS),
    "errors": Field("errors", 1, _MOST_IOS),
    "drops": Field("drops", 1, _MOST_IOS),
}


def rates_of_device(
    before: Counters, now: Counters, duration_s: float, fields: Dict[str, Field]
) -> Optional[Figures]:
    """Rates per second of one device's counters; None when the device started anew."""
    rates = {}
    for key, (figure, unit, most_per_s) in fields.items():
        if key not in now or key not in before:
            continue
        step = now[key] - before[key]
        if step < 0:
            step += WRAP
            if before[key] >= WRAP or step > min(_HALF, most_per_s * duration_s):
                return None
        rates[figure] = round(step * unit / duration_s, 6)
    return rates


def rates_of_host(before: Figures, now: Figures, duration_s: float) -> Figures:
    """Rates per second of counters that the kernel keeps in 64 bits.

    One that went back has none: idle and iowait times do that now and then (proc.rst).
    """
    return {
        name: round((value - before[name]) / duration_s, 6)
        for name, value in now.items()
        if name in before and value >= before[name]
    }
