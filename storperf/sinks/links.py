"""Addresses in graphite-web that show one run."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from storperf.sinks.everybody import ALL
from storperf.sinks.paths import LIVE, PREFIX, render_part

# Nodes of a live path, counted from 0, that tell its lines apart: side and op.
_TOLD_APART = "4,7"


def run_link(  # noqa: PLR0913 - what is looked at, from when to when
    web: str, *, lab: str, job: str, from_s: float, until_s: float, prefix: str = PREFIX
) -> str:
    """graphite-web's composer with IOPS and, on the right axis, p99 clat of all agents together."""
    place = ".".join((prefix, LIVE, render_part(lab), render_part(job)))
    iops, p99 = (f"{place}.*.{ALL}.{ALL}.*.{metric}" for metric in ("iops", "clat_p99"))
    targets = (
        f"aliasByNode({iops},{_TOLD_APART},8)",
        f"secondYAxis(aliasByNode({p99},{_TOLD_APART},8))",
    )
    query = urlencode(
        [
            ("width", "1000"),
            ("height", "500"),
            # Whole minutes around the range, and their zone: the composer shows seconds of the
            # epoch as "Invalid Date", and a server may have any zone.
            ("tz", "UTC"),
            ("from", _minute(from_s)),
            ("until", _minute(until_s + 60)),
            *(("target", target) for target in targets),
        ],
        safe="(),*:",
    )
    return f"{web.rstrip('/')}/composer?{query}"


def _minute(epoch_s: float) -> str:
    """The minute of a time, as the composer reads it."""
    return time.strftime("%H:%M_%Y%m%d", time.gmtime(epoch_s))
