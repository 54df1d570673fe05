"""Numbers from elsewhere: series over runs or over time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values in their order, each with the text that stood on its axis (a run, or seconds).

    `places` are those of the rows that have a value, from 0 on, of `rows` in all.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    places: tuple[int, ...]
    rows: int
