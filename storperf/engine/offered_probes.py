"""The probes that installed packages offer: entry points of the group `storperf.probes`.

Each leads to a mapping with the keys that an entry of `probes` has in a job file.  It is read when
a job names it, and stands in the job that the run keeps: the package may be gone afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from storperf.errors import UsageError
from storperf.jobfile.source import Value

GROUP = "storperf.probes"


def offered_probes() -> Mapping[str, Mapping[str, Value]]:
    """The keys of each offered probe by its name; UsageError names the package of a bad one."""
    return {point.name: _load(point) for point in entry_points(group=GROUP)}


def _load(point: EntryPoint) -> dict[str, Value]:
    package = "?" if point.dist is None else point.dist.name
    where = f"the probe {point.name!r} of package {package} ({point.value})"
    try:
        found = point.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        raise UsageError(f"{where} cannot be loaded: {error}") from error
    if not isinstance(found, Mapping):
        raise UsageError(f"{where} is no mapping of keys such as `command` and `pattern`")
    return {str(key): _written(value) for key, value in found.items()}


def _written(value: Any) -> Value:
    """A value as a job file's text would give it: numbers are text there."""
    if isinstance(value, list | tuple):
        return [_written(each) for each in value]
    return value if isinstance(value, bool) else str(value)
