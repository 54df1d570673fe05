"""True figures of one interval from fio's cumulative counters.

Every number in a status document counts from the start of the fio job (or from
the end of `ramp_time`, which sets all to zero).  The difference of two documents
is what happened between them; that holds for histogram bins too, so percentiles
of an interval are exact.
"""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any, Dict, List, Optional

OPS = ("read", "write", "trim")

Figures = Dict[str, Any]


class Cumulative:
    """One direction's counters in one document, summed over its fio jobs."""

    __slots__ = ("bins", "bytes", "clat", "clat_count", "ios", "lat", "runtimes_ms", "slat")

    def __init__(self) -> None:
        self.ios = 0
        self.bytes = 0
        self.runtimes_ms: List[int] = []
        self.clat_count = 0
        self.clat = 0.0
        self.slat = 0.0
        self.lat = 0.0
        self.bins: Dict[str, int] = {}

    def add(self, figures: Figures) -> None:
        """Take one fio job's figures in; wall time is the longest, all else the sum."""
        self.ios += figures["total_ios"]
        self.bytes += figures["io_bytes"]
        self.runtimes_ms.append(figures["runtime"])
        clat = figures["clat_ns"]
        self.clat_count += clat["N"]
        self.clat += clat["mean"] * clat["N"]
        self.slat += figures["slat_ns"]["mean"] * figures["slat_ns"]["N"]
        self.lat += figures["lat_ns"]["mean"] * figures["lat_ns"]["N"]
        bins = clat.get("bins") or {}
        if self.bins:
            for value, count in bins.items():
                self.bins[value] = self.bins.get(value, 0) + count
        else:
            self.bins = dict(bins)

    @property
    def runtime_ms(self) -> int:
        """Wall time of the longest fio job."""
        return max(self.runtimes_ms, default=0)

    def since_ms(self, before: "Cumulative") -> int:
        """Wall time since an earlier document: fio jobs run together, or one after the other."""
        pairs = zip_longest(self.runtimes_ms, before.runtimes_ms, fillvalue=0)
        return max((now - then for now, then in pairs), default=0)

    def is_behind(self, before: "Cumulative") -> bool:
        """Whether a counter went down: fio set them to zero meanwhile."""
        pairs = zip_longest(self.runtimes_ms, before.runtimes_ms, fillvalue=0)
        return self.ios < before.ios or any(now < then for now, then in pairs)

    @property
    def is_finite(self) -> bool:
        """Whether all are numbers: `1e999` is JSON, and infinite."""
        total = self.ios + self.bytes + self.runtime_ms + self.clat + self.slat + self.lat
        return math.isfinite(total + sum(self.bins.values()))

    def is_ramp(self, *, has_ramp: bool) -> bool:
        """Whether I/Os were counted but not their latencies, as in fio's ramp time."""
        return has_ramp and bool(self.ios) and not self.clat_count


def cumulative(document: Dict[str, Any]) -> Dict[str, Cumulative]:
    """The counters of each direction in a document.

    KeyError, TypeError, AttributeError, ValueError or OverflowError when it is no fio's.
    """
    totals = {op: Cumulative() for op in OPS}
    for job in document["jobs"]:
        for op in OPS:
            if op in job:
                totals[op].add(job[op])
    if not all(total.is_finite for total in totals.values()):
        raise ValueError("a figure is infinite")
    return totals


def errors(document: Dict[str, Any]) -> List[int]:
    """The errno of each fio job, 0 where it reports none."""
    return [int(job.get("error", 0)) for job in document["jobs"]]


def cpu_shares(document: Dict[str, Any]) -> List[List[float]]:
    """What each fio job took of a core so far, in user and in system; of a group the mean."""
    return [
        [round(float(job.get(key, 0.0)) / 100, 4) for key in ("usr_cpu", "sys_cpu")]
        for job in document["jobs"]
    ]


def has_ramp(document: Dict[str, Any]) -> bool:
    """Whether the fio job has a ramp time, in which latencies are not counted."""
    options = [document.get("global options", {})]
    options += [job.get("job options", {}) for job in document["jobs"]]
    return any("ramp_time" in option for option in options)


class CounterDiffer:
    """Turns documents of one target into intervals, per direction."""

    def __init__(self) -> None:
        self._before = {op: Cumulative() for op in OPS}
        self.last = self._before
        self.resets = 0

    def intervals(self, document: Dict[str, Any]) -> List[Figures]:
        """Figures of the slice since the last document; directions without a slice are absent."""
        now = cumulative(document)
        ramp = has_ramp(document)
        found = []
        for op in OPS:
            is_ramp = now[op].is_ramp(has_ramp=ramp)
            if self._before[op].is_ramp(has_ramp=ramp) and not is_ramp:
                # More may have been counted since the reset than before it.
                self._reset(op)
            figures = self._difference(op, now[op])
            if figures is not None:
                if is_ramp:
                    figures["ramp"] = True
                found.append(figures)
        self.last = now
        return found

    def _reset(self, op: str) -> None:
        self.resets += 1
        self._before[op] = Cumulative()

    def _difference(self, op: str, now: Cumulative) -> Optional[Figures]:
        if now.is_behind(self._before[op]):
            self._reset(op)
        before = self._before[op]
        length_ms = now.since_ms(before)
        if not length_ms:
            return None
        self._before[op] = now
        return {
            "op": op,
            "duration_s": length_ms / 1000,
            "ios": now.ios - before.ios,
            "bytes": now.bytes - before.bytes,
            "clat_count": now.clat_count - before.clat_count,
            "clat_sum_ns": max(0.0, now.clat - before.clat),
            "slat_sum_ns": max(0.0, now.slat - before.slat),
            "lat_sum_ns": max(0.0, now.lat - before.lat),
            "bins": bin_difference(now.bins, before.bins),
        }


def bin_difference(now: Dict[str, int], before: Dict[str, int]) -> List[int]:
    """Buckets that grew, flat: value, growth, value, growth ...; sorted by value (ns)."""
    seen = before.get
    grown = [
        (int(value), growth)
        for value, count in now.items()
        if (growth := count - seen(value, 0)) > 0
    ]
    grown.sort()
    return [number for bucket in grown for number in bucket]
