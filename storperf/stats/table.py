"""A trial's intervals as columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from storperf.model.interval import Interval, SensorSample
from storperf.model.job import Op

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# What the figures of a user's probes are called: `probe.<name>.<group>`.
PROBE = "probe."
OPS = (Op.READ, Op.WRITE, Op.TRIM)
_FLOATS = ("start_s", "end_s", "duration_s", "clat_sum_ns", "slat_sum_ns", "lat_sum_ns")
_INTS = ("target", "index", "ios", "bytes", "clat_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalTable:
    """Rows are intervals in the order they came; all columns have one length, n.

    `agent` indexes `agents`, `op` indexes OPS.  The histogram of row i is
    `bin_value_ns[bin_offset[i]:bin_offset[i + 1]]` with the counts beside it;
    `bin_offset` has n + 1 entries.  Units are those of `model.Interval`.
    """

    agents: tuple[str, ...]
    agent: Ints
    target: Ints
    op: Ints
    index: Ints
    start_s: Floats
    end_s: Floats
    duration_s: Floats
    ios: Ints
    bytes: Ints
    clat_count: Ints
    clat_sum_ns: Floats
    slat_sum_ns: Floats
    lat_sum_ns: Floats
    bin_offset: Ints
    bin_value_ns: Ints
    bin_count: Ints

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def from_intervals(cls, intervals: Iterable[Interval]) -> IntervalTable:
        """Columns of the given intervals, in their order."""
        rows = list(intervals)
        agents = tuple(sorted({row.agent for row in rows}))
        columns: dict[str, Any] = {
            name: np.array([getattr(row, name) for row in rows], dtype=np.float64)
            for name in _FLOATS
        }
        columns |= {
            name: np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in _INTS
        }
        pairs = [pair for row in rows for pair in row.bins]
        flat = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2)
        return cls(
            agents=agents,
            agent=np.array([agents.index(row.agent) for row in rows], dtype=np.int64),
            op=np.array([OPS.index(row.op) for row in rows], dtype=np.int64),
            bin_offset=np.cumsum([0, *(len(row.bins) for row in rows)], dtype=np.int64),
            bin_value_ns=flat[:, 0].copy(),
            bin_count=flat[:, 1].copy(),
            **columns,
        )

    def where(self, mask: Mask) -> IntervalTable:
        """The rows for which `mask` (shape n) holds, histograms included.

        Rows that follow each other are not copied: a warm-up cut of a day costs nothing.
        """
        kept = np.flatnonzero(mask)
        if len(kept) and kept[-1] - kept[0] + 1 == len(kept):
            return self._between(int(kept[0]), int(kept[-1]) + 1)
        lengths = np.diff(self.bin_offset)
        keep_bins = np.repeat(mask, lengths)
        return replace(
            self,
            bin_offset=np.concatenate(([0], np.cumsum(lengths[kept]))).astype(np.int64),
            bin_value_ns=self.bin_value_ns[keep_bins],
            bin_count=self.bin_count[keep_bins],
            **{name: getattr(self, name)[kept] for name in ROWS},
        )

    def _between(self, start: int, end: int) -> IntervalTable:
        first, last = int(self.bin_offset[start]), int(self.bin_offset[end])
        return replace(
            self,
            bin_offset=self.bin_offset[start : end + 1] - first,
            bin_value_ns=self.bin_value_ns[first:last],
            bin_count=self.bin_count[first:last],
            **{name: getattr(self, name)[start:end] for name in ROWS},
        )

    def without_bins(self) -> IntervalTable:
        """The same rows, their histograms left out: nine tenths of the memory and more."""
        return replace(
            self,
            bin_offset=np.zeros(len(self) + 1, dtype=np.int64),
            bin_value_ns=np.zeros(0, dtype=np.int64),
            bin_count=np.zeros(0, dtype=np.int64),
        )

    def of_op(self, op: Op) -> IntervalTable:
        """The rows of one direction."""
        return self.where(self.op == OPS.index(op))

    def ops(self) -> tuple[Op, ...]:
        """The directions that have rows, in the order of OPS."""
        return tuple(op for number, op in enumerate(OPS) if bool(np.any(self.op == number)))


# The columns with one entry a row.
ROWS = tuple(
    field.name
    for field in fields(IntervalTable)
    if field.name != "agents" and not field.name.startswith("bin_")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorTable:
    """Host figures as columns; rows are samples.  NaN is a figure the host lacked."""

    agents: tuple[str, ...]
    agent: Ints
    start_s: Floats
    end_s: Floats
    figures: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.agent)

    def of(self, names: Collection[str]) -> SensorTable:
        """The samples of these agents' own sensors; those of probes are left out."""
        numbers = [number for number, name in enumerate(self.agents) if name in names]
        kept = np.isin(self.agent, numbers)
        for name, values in self.figures.items():
            if name.startswith(PROBE):
                kept &= ~np.isfinite(values)
        return replace(
            self,
            agent=self.agent[kept],
            start_s=self.start_s[kept],
            end_s=self.end_s[kept],
            figures={name: values[kept] for name, values in self.figures.items()},
        )

    def only(self, wanted: Callable[[str], bool]) -> SensorTable:
        """The same samples with some of their figures, as copies: the others can be forgotten."""
        kept = {name: values.copy() for name, values in self.figures.items() if wanted(name)}
        return replace(self, figures=kept)

    @classmethod
    def from_samples(cls, samples: Iterable[SensorSample]) -> SensorTable:
        """Columns of the given samples, in their order."""
        rows = list(samples)
        agents = tuple(sorted({row.agent for row in rows}))
        figures = [dict(row.figures) for row in rows]
        names = sorted({name for row in figures for name in row})
        return cls(
            agents=agents,
            agent=np.array([agents.index(row.agent) for row in rows], dtype=np.int64),
            start_s=np.array([row.start_s for row in rows], dtype=np.float64),
            end_s=np.array([row.end_s for row in rows], dtype=np.float64),
            figures={
                name: np.array([row.get(name, np.nan) for row in figures], dtype=np.float64)
                for name in names
            },
        )
