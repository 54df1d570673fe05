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
    `is_past`: the run ended before the one that the baseline is anchored to, and does not count.
    `hosts` is what the run's agents went through meanwhile, by figure: the worst of them.
    """

    key: BaselineKey
    run: str
    accepted: bool
    who: str
    why: str
    at_s: float
    measuring: tuple[tuple[str, str], ...] = ()
    pinned: bool = False
    is_past: bool = False
    hosts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A confirmed change of level: `run` is the first of the new one, and of the baseline.

    None for `run` takes earlier anchors back: all accepted runs count again.
    `confirmed_by` is the run whose fresh trials confirmed it, None where a person's word did.
    """

    key: BaselineKey
    run: str | None
    who: str
    why: str
    at_s: float
    confirmed_by: str | None = None
