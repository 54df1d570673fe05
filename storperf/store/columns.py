"""A row group of intervals as small arrays, and back without loss."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from storperf.stats.table import ROWS, IntervalTable, SensorTable

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

UNITS = {
    "agent": "index into agents",
    "target": "index of the target",
    "op": "index into ops",
    "index": "number of the interval in its trial",
    "start_s": "s since 1970",
    "end_s": "s since 1970",
    "duration_s": "s",
    "ios": "operations",
    "bytes": "B",
    "clat_count": "operations",
    "clat_sum_ns": "ns",
    "slat_sum_ns": "ns",
    "lat_sum_ns": "ns",
    # Histograms: one entry a row, one a distinct value, one a bin, one a bin.
    "bin_length": "bins of the row",
    "bin_values_ns": "ns, each distinct value of the group, rising",
    "bin_value": "index into bin_values_ns, minus the index before it",
    "bin_count": "operations",
}
SENSOR_UNITS = {
    "agent": "index into agents",
    "start_s": "s since 1970",
    "end_s": "s since 1970",
    "figures": "a row for each of the group's figures, in their units",
}
_UNSIGNED: tuple[type[np.integer[Any]], ...] = (np.uint8, np.uint16, np.uint32)
_SIGNED: tuple[type[np.integer[Any]], ...] = (np.int8, np.int16, np.int32)
_INTS = ("agent", "target", "op", "index", "ios", "bytes", "clat_count")


def interval_columns(table: IntervalTable) -> dict[str, Array]:
    """What is written of a row group; histograms as differences of small numbers.

    Neighbouring bins of one histogram mostly differ by one place, so the differences are
    almost all 1 and pack to a fraction of a byte.
    """
    values, places = np.unique(table.bin_value_ns, return_inverse=True)
    columns: dict[str, Array] = {name: getattr(table, name) for name in ROWS}
    columns["bin_length"] = np.diff(table.bin_offset)
    columns["bin_values_ns"] = values
    columns["bin_value"] = np.diff(places.reshape(-1), prepend=0)
    columns["bin_count"] = table.bin_count
    return {name: smallest(column) for name, column in columns.items()}


def interval_table(agents: tuple[str, ...], columns: Mapping[str, Array]) -> IntervalTable:
    """The row group that `interval_columns` was given; ValueError when columns disagree.

    Without columns of bins it is that of rows without histograms.
    """
    if "bin_length" not in columns:
        columns = {**columns, **_without_bins(len(columns["index"]))}
    plain: dict[str, Any] = {
        name: columns[name].astype(np.int64 if name in _INTS else np.float64) for name in ROWS
    }
    lengths = columns["bin_length"].astype(np.int64)
    places = np.cumsum(columns["bin_value"].astype(np.int64))
    counts = columns["bin_count"].astype(np.int64)
    rows = {len(column) for column in (*plain.values(), lengths)}
    if len(rows) != 1 or len({int(lengths.sum()), len(places), len(counts)}) != 1:
        raise ValueError("columns of different lengths")
    if rows != {0} and int(plain["agent"].max()) >= len(agents):
        raise ValueError("an agent that has no name")
    return IntervalTable(
        agents=agents,
        bin_offset=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        bin_value_ns=columns["bin_values_ns"].astype(np.int64)[places],
        bin_count=counts,
        **plain,
    )


def _without_bins(rows: int) -> dict[str, Array]:
    nothing = np.zeros(0, dtype=np.int64)
    names = ("bin_values_ns", "bin_value", "bin_count")
    return {"bin_length": np.zeros(rows, dtype=np.int64), **dict.fromkeys(names, nothing)}


def sensor_columns(table: SensorTable) -> dict[str, Array]:
    """What is written of a group of samples; figures are rows of one array, by sorted name."""
    figures = [table.figures[name] for name in sorted(table.figures)]
    return {
        "agent": smallest(table.agent),
        "start_s": table.start_s,
        "end_s": table.end_s,
        "figures": np.array(figures, dtype=np.float64).reshape(len(figures), len(table)),
    }


def sensor_table(
    agents: tuple[str, ...], names: tuple[str, ...], columns: Mapping[str, Array]
) -> SensorTable:
    """The group that `sensor_columns` was given; ValueError when columns disagree."""
    agent = columns["agent"].astype(np.int64)
    figures = columns["figures"].astype(np.float64)
    shape = (len(names), len(agent))
    if figures.shape != shape or not len(columns["start_s"]) == len(columns["end_s"]) == shape[1]:
        raise ValueError("columns of different lengths")
    if len(agent) and int(agent.max()) >= len(agents):
        raise ValueError("an agent that has no name")
    return SensorTable(
        agents=agents,
        agent=agent,
        start_s=columns["start_s"].astype(np.float64),
        end_s=columns["end_s"].astype(np.float64),
        figures=dict(zip(names, figures, strict=True)),
    )


def smallest(column: Array) -> Array:
    """The same whole numbers in the smallest type that holds them; floats as they are."""
    if column.dtype.kind != "i" or not len(column):
        return column
    low, high = int(column.min()), int(column.max())
    for kind in _SIGNED if low < 0 else _UNSIGNED:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column


def to_bytes(column: Array) -> bytes:
    """The column in NumPy's file form (.npy); never a pickle."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(column), allow_pickle=False)
    return file.getvalue()


def from_bytes(packed: bytes) -> Array:
    """The column that `to_bytes` was given; ValueError for anything else."""
    column: Array = np.lib.format.read_array(io.BytesIO(packed), allow_pickle=False)
    return column
