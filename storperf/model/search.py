"""A search for what the job did not say: the queue depth at which a workload saturates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SearchEnd(StrEnum):
    """Where a search stands; `open` goes on, the others are its end."""

    OPEN = "open"
    SATURATED = "saturated"
    AT_MOST = "at_most"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthFound:
    """One depth that was measured: the judged figure (1/s or B/s), the mean clat in ns."""

    step: str
    queue_depth: int
    judged: float
    clat_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The depths of one family of steps, shallowest first; `knee` is a step's key."""

    name: str
    side: str
    depths: tuple[DepthFound, ...]
    knee: str | None
    end: SearchEnd
