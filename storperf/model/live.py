"""What those who look on at a run are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """One line of a feed: its number, from 1, and its JSON text without the end of the line."""

    number: int
    text: str
