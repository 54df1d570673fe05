"""Series of values over runs or over time, several in one table."""

from __future__ import annotations

import math
from collections.abc import Iterable

from storperf.model.series import Series
from storperf.plain.rows import Faults, number, read_rows


def parse_history(lines: Iterable[str], source: str) -> list[Series]:
    """Columns `[series,]run,value`: each series in the order of its rows.

    `run` is a label of any kind; a value may be any finite number.
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
    found: dict[str, tuple[list[str], list[float]]] = {}
    last_s: dict[str, float] = {}
    for line, row in read_rows(lines, (axis, "value"), ("series",), faults):
        name = row.get("series", "")
        labels, values = found.setdefault(name, ([], []))
        labels.append(row[axis])
        values.append(number(row["value"], line, faults))
        if is_time:
            if values[-1] < 0:
                faults.add(line, f"{row['value']} is below zero")
            time_s = number(row[axis], line, faults)
            if time_s <= last_s.get(name, -math.inf):
                faults.add(line, f"t_s {row[axis]} is not after {last_s[name]:g}, the one before")
            last_s[name] = time_s
    if not found and not faults.told:
        faults.add(0, "it holds no value")
    faults.refuse()
    return [
        Series(name=name, labels=tuple(labels), values=tuple(values))
        for name, (labels, values) in found.items()
    ]
