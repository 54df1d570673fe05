"""Series of values over runs or over time, several in one table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from storperf.model.series import Series
from storperf.plain.rows import Faults, maybe_number, number, read_rows


@dataclass(slots=True)
class _Gathered:
    """The rows of one series that have a value, and how many there are in all."""

    labels: list[str] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rows: int = 0

    def take(self, label: str, value: float | None) -> None:
        """One more row; a missing value leaves its place."""
        if value is not None:
            self.labels.append(label)
            self.values.append(value)
            self.places.append(self.rows)
        self.rows += 1


def parse_history(lines: Iterable[str], source: str) -> list[Series]:
    """Columns `[series,]run,value`: each series in the order of its rows.

    `run` is a label of any kind; a value may be any finite number, or missing (empty or NaN).
    Raises NumbersError with every fault.
    """
    return _parse(lines, source, "run", is_time=False)


def parse_time_series(lines: Iterable[str], source: str) -> list[Series]:
    """Columns `[series,]t_s,value`: seconds that go up within a series, values from zero on.

    Raises NumbersError with every fault.
    """
    return _parse(lines, source, "t_s", is_time=True)


def _parse(lines: Iterable[str], source: str, axis: str, *, is_time: bool) -> list[Series]:
    faults = Faults(source)
    found: dict[str, _Gathered] = {}
    last_s: dict[str, float] = {}
    for line, row in read_rows(lines, (axis, "value"), ("series",), faults):
        name = row.get("series", "")
        gathered = found.setdefault(name, _Gathered())
        value = maybe_number(row["value"], line, faults)
        gathered.take(row[axis], value)
        if is_time:
            if value is not None and value < 0:
                faults.add(line, f"{row['value']} is below zero")
            time_s = number(row[axis], line, faults)
            if time_s <= last_s.get(name, -math.inf):
                faults.add(line, f"t_s {row[axis]} is not after {last_s[name]:g}, the one before")
            last_s[name] = time_s
    if not found and not faults.told:
        faults.add(0, "it holds no value")
    faults.refuse()
    return [
        Series(
            name=name,
            labels=tuple(each.labels),
            values=tuple(each.values),
            places=tuple(each.places),
            rows=each.rows,
        )
        for name, each in found.items()
    ]
