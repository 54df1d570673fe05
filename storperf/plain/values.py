"""One value a run, and pairs of them, from lines of text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from storperf.plain.rows import Faults, Row, positive, read_rows, rows_of

# The name of the only metric of a file that names none.
UNNAMED = ""


def parse_values(lines: Iterable[str], source: str) -> dict[str, list[float]]:
    """The values of each metric in their order: one a line, or columns `metric,value`.

    A file of one value a line needs no header.  Raises NumbersError with every fault.
    """
    faults = Faults(source)
    found: dict[str, list[float]] = {}
    for line, row in _rows(lines, ("value",), faults):
        metric = row.get("metric", UNNAMED)
        found.setdefault(metric, []).append(positive(row["value"], line, faults))
    if not found and not faults.told:
        faults.add(0, "it holds no value")
    faults.refuse()
    return found


def parse_pairs(lines: Iterable[str], source: str) -> dict[str, list[tuple[float, float]]]:
    """The pairs (reference, candidate) of each metric, in the order they were measured.

    Columns `reference,candidate`, or `metric,reference,candidate`; without a header the first
    two.  Raises NumbersError with every fault.
    """
    faults = Faults(source)
    found: dict[str, list[tuple[float, float]]] = {}
    for line, row in _rows(lines, ("reference", "candidate"), faults):
        sides = (positive(row[side], line, faults) for side in ("reference", "candidate"))
        reference, candidate = sides
        found.setdefault(row.get("metric", UNNAMED), []).append((reference, candidate))
    if not found and not faults.told:
        faults.add(0, "it holds no pair")
    faults.refuse()
    return found


def _rows(lines: Iterable[str], columns: Sequence[str], faults: Faults) -> Iterator[Row]:
    """The rows of these columns; a first line that is all numbers is a row, not a header."""
    iterator = iter(lines)
    for blank, line in enumerate(iterator):
        fields = [each.strip() for each in line.removeprefix("\ufeff").split(",")]
        if not any(fields):
            continue
        # Line numbers stay those of the file.
        rest = chain(["\n"] * blank, [line], iterator)
        if len(fields) <= len(columns) and all(_is_number(each) for each in fields):
            places = {name: place for place, name in enumerate(columns)}
            yield from rows_of(csv.reader(rest), places, faults)
        else:
            yield from read_rows(rest, columns, ("metric",), faults)
        return
    faults.add(0, "it is empty")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
