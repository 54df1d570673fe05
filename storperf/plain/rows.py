"""CSV lines as rows of named columns, with every fault told by its line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from storperf.errors import UsageError

_MOST_TOLD = 20
# Its square is still a number, and so is the sum of many.
_LARGEST = 1e100
# What other programs write where there is no value.
_MISSING = ("", "nan", "na", "null", "none")

# A row's fields by column, and the number of its line.
Row = tuple[int, Mapping[str, str]]


class NumbersError(UsageError):
    """Lines that are not the numbers asked for; `lines` are the numbers of those at fault."""


@dataclass(slots=True)
class Faults:
    """What is wrong with a file, gathered so that all of it can be told at once."""

    source: str
    told: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, line: int, fault: str) -> None:
        """One more; line 0 is the file as a whole."""
        self.told.append(f"line {line}: {fault}" if line else fault)
        self.lines.append(line)

    def refuse(self) -> None:
        """Raises NumbersError when there was any."""
        if not self.told:
            return
        shown = self.told[:_MOST_TOLD]
        if len(self.told) > len(shown):
            shown.append(f"and {len(self.told) - len(shown)} more")
        what = "\n".join(f"  {each}" for each in shown)
        raise NumbersError(
            f"{self.source} cannot be judged:\n{what}", source=self.source, lines=self.lines
        )


def read_rows(
    lines: Iterable[str], columns: Sequence[str], optional: Sequence[str], faults: Faults
) -> Iterator[Row]:
    """The rows below a header line that names at least `columns`; other columns are left out.

    Blank lines are no rows.  A row that is too short is a fault and not given.
    """
    reader = csv.reader(lines)
    header = _next_row(reader, faults)
    if header is None:
        faults.add(0, f"it is empty; its first line must name the columns {','.join(columns)}")
        return
    names = [name.strip().lower().removeprefix("\ufeff") for name in header]
    missing = [name for name in columns if name not in names]
    if missing:
        faults.add(
            reader.line_num,
            f"the column {', '.join(missing)} is missing; the first line must name"
            f" {','.join(columns)}",
        )
        return
    places = {name: names.index(name) for name in (*columns, *optional) if name in names}
    yield from rows_of(reader, places, faults)


def rows_of(
    reader: Iterator[list[str]], places: Mapping[str, int], faults: Faults
) -> Iterator[Row]:
    """The rows that are left, their columns at these places."""
    furthest = max(places.values())
    while (row := _next_row(reader, faults)) is not None:
        line: int = reader.line_num  # type: ignore[attr-defined]  # csv's reader has it
        if len(row) <= furthest:
            faults.add(line, f"it has {len(row)} columns of {furthest + 1}")
        else:
            yield line, {name: row[place].strip() for name, place in places.items()}


def _next_row(reader: Iterator[list[str]], faults: Faults) -> list[str] | None:
    """The next row that is not blank; None at the end, or at what is no CSV."""
    try:
        for row in reader:
            if any(field.strip() for field in row):
                return row
    except csv.Error as error:
        faults.add(reader.line_num, str(error))  # type: ignore[attr-defined]  # as above
    return None


def number(text: str, line: int, faults: Faults) -> float:
    """A finite number; NaN, and a fault, for anything else."""
    try:
        # Python takes 1_000 for a thousand; nobody else writes that.
        value = float(text.replace("_", "?"))
    except ValueError:
        faults.add(line, f"{text[:40]!r} is no number" if text else "the value is missing")
        return math.nan
    if not math.isfinite(value):
        faults.add(line, f"{text} is not finite")
        return math.nan
    if abs(value) > _LARGEST:
        faults.add(line, f"{text} is too large to compute with")
        return math.nan
    return value


def maybe_number(text: str, line: int, faults: Faults) -> float | None:
    """A finite number, or None for what was not measured: nothing at all, or NaN."""
    return None if text.lower() in _MISSING else number(text, line, faults)


def measured(text: str, line: int, faults: Faults) -> float:
    """A number above zero; NaN, and no fault, for what is a number and no measurement.

    Missing values, NaN, infinity, zero and what is below are none: their case is told so, and
    the other cases of the table are judged.
    """
    if text.lower() in (*_MISSING, "inf", "+inf", "-inf", "infinity", "-infinity"):
        return math.nan
    value = number(text, line, faults)
    return value if value > 0 else math.nan


def positive(text: str, line: int, faults: Faults) -> float:
    """A finite number above zero; anything else is a fault: it has no logarithm."""
    value = number(text, line, faults)
    if value <= 0:
        faults.add(line, f"{text} is not above zero, and has no logarithm")
    return value


def prior_spread(text: str, line: int, faults: Faults) -> float:
    """How much runs are known to scatter: a share between 0 and 1, not percent."""
    value = positive(text, line, faults)
    if value >= 1:
        faults.add(line, f"a spread of {text} is no share: 2.4 % is 0.024")
    return value
