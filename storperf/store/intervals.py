"""The interval file of a trial: every slice with its histogram, and the host's figures.

A ZIP archive of NumPy columns in row groups, so that a day at one second is written and
read with the memory of one hour; `format.json` says what is inside.  The form is described
in docs/reference/store.md.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from storperf.errors import StoreError
from storperf.stats.table import OPS, ROWS, IntervalTable, SensorTable
from storperf.store import columns as packing
from storperf.store.atomic import replacing
from storperf.store.faults import file_faults
from storperf.store.rowgroups import filled, joined, joined_samples, rows_of, samples_of
from storperf.version import STORE_INTERVALS_FORMAT

# Of 200 agents a group of 3600 rows took 60 MiB to make; one of 300 saves little more, and each
# takes 100 bytes a column of the file.
GROUP_ROWS = 600
# So many rows are worked on at a time: the histograms of 64, as the agents tell them, are some MiB.
FEW_ROWS = 64

_NAME = "storperf-intervals"
_INDEX = "format.json"
# A fixed date: the same intervals give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    IndexError,
    KeyError,
    RuntimeError,  # zipfile's word for an encryption, a flag or a method that damage made up
    TypeError,
    ValueError,
)


def write_intervals(
    path: Path, table: IntervalTable, sensors: SensorTable, *, meta: Mapping[str, object]
) -> None:
    """Write a trial's interval file, whole or not at all; StoreError when that cannot be."""
    with writing_intervals(path, meta=meta) as writer:
        writer.append(table)
        writer.append_sensors(sensors)


@contextmanager
def writing_intervals(path: Path, *, meta: Mapping[str, object]) -> Iterator[IntervalWriter]:
    """A writer whose file takes the name `path` when the block ends; not if it raises.

    `meta` (plain JSON values) is given back by the reader.
    """
    with (
        replacing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        writer = IntervalWriter(archive, meta)
        yield writer
        writer.finish()


def read_intervals(path: Path) -> tuple[IntervalTable, SensorTable, dict[str, Any]]:
    """Everything in an interval file, and its `meta`.

    StoreError when it is missing, damaged, or of a newer form.
    """
    with _opened(path) as file:
        intervals = joined(list(file.groups()), file.agents)
        sensors = joined_samples(list(file.sensor_groups()), file.agents)
        return intervals, sensors, file.meta


def iter_intervals(path: Path, most: int = GROUP_ROWS) -> Iterator[IntervalTable]:
    """The rows in order, at most `most` at a time, all with the same `agents`."""
    with _opened(path) as file:
        for group in file.groups():
            for start in range(0, len(group), most):
                yield rows_of(group, start, min(start + most, len(group)))
            del group  # or there are two of them while the next is read


def read_rows(path: Path) -> IntervalTable:
    """All rows without their histograms, which are left unread."""
    with _opened(path) as file:
        return filled(file.groups(has_bins=False), file.rows, file.agents)


def iter_rows(path: Path) -> Iterator[IntervalTable]:
    """The same row group by row group, all with the same `agents`."""
    with _opened(path) as file:
        yield from file.groups(has_bins=False)


def read_sensors(path: Path, wanted: Callable[[str], bool]) -> SensorTable:
    """All samples of the host, with the wanted ones of their figures."""
    with _opened(path) as file:
        return joined_samples([g.only(wanted) for g in file.sensor_groups()], file.agents)


def iter_sensors(path: Path, wanted: Callable[[str], bool]) -> Iterator[SensorTable]:
    """The same row group by row group, all with the same `agents`."""
    with _opened(path) as file:
        for group in file.sensor_groups():
            yield group.only(wanted)


class IntervalWriter:
    """Writes one interval file, table by table, holding little more than one row group."""

    def __init__(self, archive: zipfile.ZipFile, meta: Mapping[str, object]) -> None:
        self._zip = archive
        self._meta = dict(meta)
        self._agents: list[str] = []
        self._waiting: list[IntervalTable] = []
        self._waiting_rows = 0
        self._samples: list[SensorTable] = []
        self._groups: list[dict[str, object]] = []
        self._sensor_groups: list[dict[str, object]] = []

    def append(self, table: IntervalTable) -> None:
        """Add rows after those that are there; each table may name other agents."""
        self._waiting.append(replace(table, agent=self._numbered(table)))
        self._waiting_rows += len(table)
        if self._waiting_rows >= GROUP_ROWS:
            self._write_waiting(rest=False)

    def append_sensors(self, table: SensorTable) -> None:
        """Add samples after those that are there; each table may name other agents."""
        self._samples.append(replace(table, agent=self._numbered(table)))
        if sum(map(len, self._samples)) >= GROUP_ROWS:
            self._write_samples(rest=False)

    def finish(self) -> None:
        """Write what is left and the index; `writing_intervals` calls it."""
        self._write_waiting(rest=True)
        self._write_samples(rest=True)
        index = {
            "format": _NAME,
            "version": STORE_INTERVALS_FORMAT,
            "agents": self._agents,
            "ops": [op.value for op in OPS],
            "units": packing.UNITS,
            "sensor_units": packing.SENSOR_UNITS,
            "groups": self._groups,
            "sensor_groups": self._sensor_groups,
            "meta": self._meta,
        }
        text = json.dumps(index, allow_nan=False, indent=1)
        self._write_member(_INDEX, text.encode())

    def _numbered(self, table: IntervalTable | SensorTable) -> packing.Ints:
        for name in table.agents:
            if name not in self._agents:
                self._agents.append(name)
        places = np.array([self._agents.index(name) for name in table.agents], dtype=np.int64)
        return places[table.agent]

    def _write_waiting(self, *, rest: bool) -> None:
        table = joined(self._waiting, tuple(self._agents))
        whole = len(table) if rest else len(table) - len(table) % GROUP_ROWS
        for start in range(0, whole, GROUP_ROWS):
            part = rows_of(table, start, min(start + GROUP_ROWS, whole))
            name = f"intervals/{len(self._groups):06}"
            self._write_group(name, packing.interval_columns(part))
            self._groups.append({"rows": len(part), "bins": len(part.bin_count)})
        self._waiting = [rows_of(table, whole, len(table))]
        self._waiting_rows = len(self._waiting[0])

    def _write_samples(self, *, rest: bool) -> None:
        table = joined_samples(self._samples, tuple(self._agents))
        whole = len(table) if rest else len(table) - len(table) % GROUP_ROWS
        for start in range(0, whole, GROUP_ROWS):
            part = samples_of(table, start, min(start + GROUP_ROWS, whole))
            name = f"sensors/{len(self._sensor_groups):06}"
            self._write_group(name, packing.sensor_columns(part))
            self._sensor_groups.append({"rows": len(part), "figures": sorted(part.figures)})
        self._samples = [samples_of(table, whole, len(table))]

    def _write_group(self, name: str, columns: Mapping[str, packing.Array]) -> None:
        for column, values in columns.items():
            self._write_member(f"{name}/{column}.npy", packing.to_bytes(values))

    def _write_member(self, name: str, content: bytes) -> None:
        member = zipfile.ZipInfo(name, _DATE)
        member.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(member, content)


class _IntervalFile:
    """An open interval file whose index has been read."""

    def __init__(self, archive: zipfile.ZipFile, index: dict[str, Any]) -> None:
        self._zip = archive
        self._index = index
        self.agents = tuple(index["agents"])
        self.meta: dict[str, Any] = index["meta"]

    @property
    def rows(self) -> int:
        """How many intervals there are in all groups."""
        return sum(int(group["rows"]) for group in self._index["groups"])

    def groups(self, *, has_bins: bool = True) -> Iterator[IntervalTable]:
        for number in range(len(self._index["groups"])):
            yield self._group(number, has_bins=has_bins)

    def _group(self, number: int, *, has_bins: bool) -> IntervalTable:
        group = self._index["groups"][number]
        names = packing.UNITS if has_bins else ROWS
        columns = self._columns(f"intervals/{number:06}", names)
        table = packing.interval_table(self.agents, columns)
        bins = group["bins"] if has_bins else 0
        if (len(table), len(table.bin_count)) != (group["rows"], bins):
            raise ValueError("a row group of another length than the index says")
        return table

    def sensor_groups(self) -> Iterator[SensorTable]:
        for number, group in enumerate(self._index["sensor_groups"]):
            columns = self._columns(f"sensors/{number:06}", packing.SENSOR_UNITS)
            table = packing.sensor_table(self.agents, tuple(group["figures"]), columns)
            if len(table) != group["rows"]:
                raise ValueError("a sensor group of another length than the index says")
            yield table

    def _columns(self, group: str, names: Iterable[str]) -> dict[str, packing.Array]:
        return {name: packing.from_bytes(self._zip.read(f"{group}/{name}.npy")) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[_IntervalFile]:
    with file_faults("read the intervals", path):
        try:
            with zipfile.ZipFile(path) as archive:
                index = json.loads(archive.read(_INDEX))
                _check_form(path, index)
                yield _IntervalFile(archive, index)
        except _DAMAGE as fault:
            raise StoreError(
                f"the interval file {path} is damaged ({fault}); the run's summaries in the "
                "store are not touched by that",
                path=str(path),
            ) from fault


def _check_form(path: Path, index: dict[str, Any]) -> None:
    if index["format"] != _NAME:
        raise ValueError("not an interval file of storperf")
    if index["version"] > STORE_INTERVALS_FORMAT:
        raise StoreError(
            f"the interval file {path} was written by a newer storperf (form "
            f"{index['version']}, this one reads up to {STORE_INTERVALS_FORMAT}); use that version",
            path=str(path),
            version=index["version"],
        )
