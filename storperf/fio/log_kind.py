"""What a log file is: of what, in which unit, and who says so."""

from __future__ import annotations

import re
from dataclasses import dataclass

from storperf.model.fio_log import KnownFrom, LogKind, LogUnit

# Of write_lat_log=NAME fio makes NAME_lat.1.log, NAME_clat.1.log and so on.
_NAME = re.compile(r"_(lat|clat|slat|bw|iops|clat_hist)(?:\.[0-9]+)?\.log$")
_OF_OTHERS = {LogKind.BANDWIDTH: LogUnit.KIB_PER_S, LogKind.IOPS: LogUnit.PER_S}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogForm:
    """Kind and unit of a log, and where each is known from."""

    kind: LogKind
    kind_from: KnownFrom
    unit: LogUnit
    unit_from: KnownFrom

    @property
    def ns(self) -> int:
        """How many ns one is, 0 for a log of something else than latency."""
        return {LogUnit.NS: 1, LogUnit.US: 1000}.get(self.unit, 0)


def form_of(name: str, kind: LogKind | None, unit: LogUnit | None) -> LogForm:
    """The form of a log of this file name; `kind` and `unit` are what the user says, if he does.

    Nothing in a latency log tells fio 2 (us) from fio 3 (ns): without a word it is fio 3's, which
    came in 2017, and `unit_from` says that this was assumed.  A name that fio does not give
    makes it a log of `lat`.
    """
    match = _NAME.search(name)
    named = None if match is None else LogKind(match[1])
    found = kind or named or LogKind.LAT
    kind_from = KnownFrom.ASKED if kind else KnownFrom.FILE if named else KnownFrom.ASSUMED
    if found in _OF_OTHERS:
        return LogForm(
            kind=found, kind_from=kind_from, unit=_OF_OTHERS[found], unit_from=KnownFrom.FILE
        )
    unit_from = KnownFrom.ASKED if unit else KnownFrom.ASSUMED
    return LogForm(kind=found, kind_from=kind_from, unit=unit or LogUnit.NS, unit_from=unit_from)
