"""Parameters that several routes share, and what each of them means."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Path, Query

from storperf.errors import UsageError
from storperf.units import parse_moment_s

# Names of jobs, labs and workloads come into SQL, paths and messages: no control characters.
LINE = r"^[^\x00-\x1f\x7f]*$"
WORD = r"^[^\x00-\x1f\x7f]+$"
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

RunName = Annotated[
    str,
    Path(
        pattern=_ID,
        max_length=100,
        description="A run: its id, the beginning of one, or `last`.",
        examples=["20261122-101112-ab12"],
    ),
]
RunId = Annotated[
    str,
    Path(pattern=_ID, max_length=100, description="A run's id.", examples=["20261122-101112-ab12"]),
]
TrialName = Annotated[
    str, Path(pattern=_ID, max_length=100, description="A trial's id.", examples=["t001"])
]
Name = Annotated[str, Path(pattern=_ID, max_length=100, description="Its name.")]
JobName = Annotated[
    str, Query(pattern=WORD, max_length=200, description="The job's name.", examples=["nightly"])
]
Lab = Annotated[str, Query(pattern=WORD, max_length=200, description="The job's lab.")]
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many.")]
MaybeJob = Annotated[
    str | None, Query(pattern=LINE, max_length=500, description="Of this job alone.")
]
MaybeLab = Annotated[
    str | None, Query(pattern=LINE, max_length=500, description="Of this lab alone.")
]
After = Annotated[
    str | None,
    Query(pattern=LINE, max_length=500, description="What the answer before said as `next`."),
]
Moment = Annotated[
    str | None,
    Query(
        pattern=LINE,
        max_length=40,
        description="A time: `2026-11-22`, `2026-11-22T10:30` (UTC), epoch seconds, or `30d` ago.",
    ),
]


def moment_s(name: str, text: str | None) -> float | None:
    """The epoch second of a parameter; UsageError for what is no time."""
    if text is None:
        return None
    try:
        return parse_moment_s(text, time.time())
    except ValueError as error:
        raise UsageError(f"{name}={error}") from error
