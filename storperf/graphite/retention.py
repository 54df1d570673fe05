"""How long each series is kept, and how: rules as data, for Carbon's files and for our sums.

Resolution is fixed when a series' file is made, so these rules must be there before the first
point.  Why each number is what it is: docs/reference/graphite.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# How often carbon-cache writes its own figures, which `status` reads.
CARBON_FIGURES_S = 10

# A whisper file: its header, a header for each archive, and a time and a value for each point
# (whisper.py: metadataFormat, archiveInfoFormat, pointFormat).
_HEADER_BYTES = 16
_ARCHIVE_BYTES = 12
_POINT_BYTES = 12

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The archives of the series that a pattern is found in; the first schema that fits counts."""

    name: str
    pattern: str
    retentions: str
    why: str = ""

    @property
    def archives(self) -> tuple[tuple[int, int], ...]:
        """(seconds a point, points) of each archive, the finest first."""
        pairs = (each.split(":") for each in self.retentions.split(","))
        return tuple((_seconds(step), _seconds(kept) // _seconds(step)) for step, kept in pairs)

    @property
    def file_bytes(self) -> int:
        """What a series' file grows to, and takes at once where files are not sparse."""
        points = sum(count for _, count in self.archives)
        return _HEADER_BYTES + _ARCHIVE_BYTES * len(self.archives) + _POINT_BYTES * points

    def resolution_s(self, age_s: float) -> int | None:
        """Seconds a point of what is that old; None when it is kept no more."""
        return next((step for step, count in self.archives if age_s <= step * count), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """How coarser points are made of finer ones; the first rule that fits counts."""

    name: str
    pattern: str
    method: str
    why: str = ""


HOST = Schema(
    name="storperf_host",
    pattern=r"^storperf\.live\..*\.host\.",
    retentions="1s:6h,10s:3d",
    why="A host's figures explain a trial; they are many, so they go first.",
)
LOAD = Schema(
    name="storperf_live",
    pattern=r"^storperf\.live\.",
    retentions="1s:1d,10s:14d",
    why="What was measured, second by second.",
)
RUNS = Schema(
    name="storperf_summary",
    pattern=r"^storperf\.summary\.",
    retentions="1m:30d,10m:5y",
    why="One point a run: to the minute for a month, then one each ten minutes for five years.",
)
OURS = (HOST, LOAD, RUNS)
# What only a Graphite of ours needs: one that others use too has rules of its own for these.
OTHERS = (
    Schema(
        name="carbon",
        pattern=r"^carbon\.",
        retentions=f"{CARBON_FIGURES_S}s:1d,1m:30d",
    ),
    Schema(name="others", pattern=".*", retentions="10s:1d,1m:30d,10m:1y"),
)

OUR_AGGREGATION = (
    Aggregation(
        name="storperf_latency",
        pattern=r"^storperf\.live\..*\.clat_(p[0-9_]+|max)$",
        method="max",
        why="Percentiles cannot be averaged; the largest of ten seconds is an upper bound, "
        "and is meant so.",
    ),
    Aggregation(
        name="storperf_run",
        pattern=r"^storperf\.live\.[^.]+\.[^.]+\.(run|[^.]+\.step)\.",
        method="last",
        why="Numbers that name something: a run, a trial, a repeat; and the one point of a run.",
    ),
    Aggregation(name="storperf_summary", pattern=r"^storperf\.summary\.", method="last"),
    Aggregation(
        name="storperf_others",
        pattern=r"^storperf\.",
        method="average",
    ),
)
OTHER_AGGREGATION = (
    Aggregation(
        name="carbon",
        pattern=r"^carbon\..*\.(metricsReceived|droppedCreates|errors|creates|committedPoints)$",
        method="sum",
    ),
    Aggregation(name="others", pattern=".*", method="average"),
)


def schema_of(path: str) -> Schema:
    """The schema by which Carbon makes the file of a series."""
    return next(each for each in (*OURS, *OTHERS) if re.search(each.pattern, path))


def render_schemas(schemas: Iterable[Schema]) -> str:
    """The text of storage-schemas.conf."""
    return "\n".join(
        _section(
            each.why, each.name, f"pattern = {each.pattern}", f"retentions = {each.retentions}"
        )
        for each in schemas
    )


def render_aggregation(rules: Iterable[Aggregation]) -> str:
    """The text of storage-aggregation.conf.

    One point is enough for a coarser one, everywhere: a missing second is missing, not zero.
    """
    return "\n".join(
        _section(
            each.why,
            each.name,
            f"pattern = {each.pattern}",
            "xFilesFactor = 0",
            f"aggregationMethod = {each.method}",
        )
        for each in rules
    )


def _section(why: str, name: str, *lines: str) -> str:
    comment = f"# {why}\n" if why else ""
    return comment + "\n".join((f"[{name}]", *lines)) + "\n"


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS_S[text[-1]]
