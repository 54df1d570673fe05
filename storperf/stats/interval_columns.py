"""A trial's intervals as columns for a program: each slice, or so many seconds in one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from storperf.errors import TooMuch
from storperf.model.job import Op
from storperf.stats.table import OPS, IntervalTable, Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalColumns:
    """Rows are slices in the order they were stored, or merged ones by time and direction.

    `agent` and `target` are None in merged rows, which sum over all of them.  `clat_mean_ns` is
    None where no I/O completed.  A rate is `ios` or `bytes` by `end_s - start_s`; of merged rows
    these are the first begin and the last end of what was summed.
    """

    agent: tuple[str | None, ...]
    target: tuple[int | None, ...]
    op: tuple[Op, ...]
    start_s: tuple[float, ...]
    end_s: tuple[float, ...]
    ios: tuple[int, ...]
    bytes: tuple[int, ...]
    clat_mean_ns: tuple[float | None, ...]


_Row = tuple[str | None, int | None, Op, float, float, int, int, float | None]


def interval_columns(
    tables: Iterable[IntervalTable],
    *,
    from_s: float | None,
    until_s: float | None,
    every_s: float | None,
    most: int,
) -> IntervalColumns:
    """The slices that begin from `from_s` on and before `until_s`, epoch seconds.

    With `every_s` those of so many seconds are one row for each direction.  TooMuch when more than
    `most` rows come of it; no more than these are held meanwhile.
    """
    wanted = (_between(table, from_s, until_s) for table in tables)
    found = _each(wanted) if every_s is None else _merged(wanted, every_s, most)
    rows: list[_Row] = []
    for row in found:
        if len(rows) == most:
            raise TooMuch(f"more than {most} rows; ask for less time, or for more in one row")
        rows.append(row)
    # Without rows there is nothing to turn over, and the columns are there all the same.
    columns = list(zip(*rows, strict=True)) or [()] * 8
    names = ("agent", "target", "op", "start_s", "end_s", "ios", "bytes", "clat_mean_ns")
    return IntervalColumns(**dict(zip(names, columns, strict=True)))


def _between(table: IntervalTable, from_s: float | None, until_s: float | None) -> IntervalTable:
    kept: Mask = np.ones(len(table), dtype=np.bool_)
    if from_s is not None:
        kept &= table.start_s >= from_s
    if until_s is not None:
        kept &= table.start_s < until_s
    return table if bool(kept.all()) else table.where(kept)


def _each(tables: Iterable[IntervalTable]) -> Iterator[_Row]:
    for table in tables:
        for n in range(len(table)):
            count = int(table.clat_count[n])
            yield (
                table.agents[int(table.agent[n])],
                int(table.target[n]),
                OPS[int(table.op[n])],
                float(table.start_s[n]),
                float(table.end_s[n]),
                int(table.ios[n]),
                int(table.bytes[n]),
                float(table.clat_sum_ns[n]) / count if count else None,
            )


def _merged(tables: Iterable[IntervalTable], every_s: float, most: int) -> Iterator[_Row]:
    """Sums by slot of time and direction; slots are counted from second 0 of the epoch."""
    sums: dict[tuple[int, int], list[float]] = {}
    for table in tables:
        slots = np.floor(table.start_s / every_s).astype(np.int64)
        for slot, op in {*zip(slots.tolist(), table.op.tolist(), strict=True)}:
            if (slot, op) not in sums and len(sums) > most:
                raise TooMuch(f"more than {most} rows; ask for less time, or for more in one row")
            _add(sums, (slot, op), table, (slots == slot) & (table.op == op))
    for (_, op), (start_s, end_s, ios, size, count, clat_ns) in sorted(sums.items()):
        mean_ns = clat_ns / count if count else None
        yield (None, None, OPS[op], start_s, end_s, int(ios), int(size), mean_ns)


def _add(
    sums: dict[tuple[int, int], list[float]],
    key: tuple[int, int],
    table: IntervalTable,
    of_key: Mask,
) -> None:
    was = sums.get(key, [float("inf"), float("-inf"), 0, 0, 0, 0.0])
    sums[key] = [
        min(was[0], float(table.start_s[of_key].min())),
        max(was[1], float(table.end_s[of_key].max())),
        was[2] + int(table.ios[of_key].sum()),
        was[3] + int(table.bytes[of_key].sum()),
        was[4] + int(table.clat_count[of_key].sum()),
        was[5] + float(table.clat_sum_ns[of_key].sum()),
    ]
