"""Series out of a Graphite as CSV and JSON, written as they come."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from storperf.sinks.graphite_series import Series

COLUMNS = ("series", "time_s", "value", "resolution_s")


def write_csv(series: Iterable[Series], stream: TextIO) -> int:
    """A line a point, oldest first in each series; how many points."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for each in series:
        for second, value, resolution_s in each.points:
            known = "" if resolution_s is None else resolution_s
            writer.writerow((each.path, second, repr(value), known))
        count += len(each.points)
    return count


def write_json(series: Iterable[Series], stream: TextIO) -> int:
    """One document, a series a line: `points` are [second, value, resolution]."""
    stream.write('{"schema": "storperf-graphite-series/1", "series": [')
    count = 0
    sign = "\n"
    for each in series:
        document = {"path": each.path, "points": each.points}
        stream.write(f"{sign}{json.dumps(document, allow_nan=False)}")
        count += len(each.points)
        sign = ",\n"
    stream.write("\n]}\n")
    return count
