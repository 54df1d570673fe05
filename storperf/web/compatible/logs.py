"""The log as the earlier StorPerf gave it: what happened in the jobs, line by line."""

from __future__ import annotations

import time

from storperf.errors import UnknownName
from storperf.store.store import Store
from storperf.web.compatible.kept import kept_jobs

_DEFAULT_LINES = 35
_MOST_LINES = 10_000
# Where the lines are looked for: more than these hold nobody reads.
_NEWEST_JOBS = 50


def last_lines(store: Store, lines: str | None) -> list[str]:
    """The last `lines` lines, 35 by default; all (10,000 at most) when it is no number."""
    count = _count(lines)
    found: list[tuple[float, str]] = []
    for entry in kept_jobs(store)[-_NEWEST_JOBS:]:
        found.append((entry.submitted_s, f"{entry.run_id} submitted by {entry.submitted_by}"))
        try:
            events = store.events(entry.run_id)
        except UnknownName:
            continue
        found += [(each.at_s, f"{entry.run_id} {each.kind}: {each.text}") for each in events]
    ordered = [f"{_stamp(at_s)} {text}" for at_s, text in sorted(found)]
    return ordered[-count:] if count else []


def _count(lines: str | None) -> int:
    if not lines:
        return _DEFAULT_LINES
    is_number = lines.isascii() and lines.isdigit() and len(lines) < 9
    return min(int(lines), _MOST_LINES) if is_number else _MOST_LINES


def _stamp(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch_s))
