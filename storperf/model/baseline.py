"""What a run is judged against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineKey:
    """Where a baseline is valid: lab + job + side + step + fingerprint."""

    lab: str
    job: str
    side: str
    step: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineValue:
    """One accepted run's value of one metric; repeats in one session are averaged already."""

    run: str
    ended_s: float
    op: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """One run's place in a baseline: `accepted` decides; who and why are kept.

    While some of a key's places are `pinned`, they alone count, however old they are.
    """

    key: BaselineKey
    run: str
    accepted: bool
    who: str
    why: str
    at_s: float
    measuring: tuple[tuple[str, str], ...] = ()
    pinned: bool = False
