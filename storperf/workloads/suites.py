"""The suites that come with storperf: name to job-file text that lacks only `name` and `target`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import yaml

from storperf.workloads import classic, fioloadgen, snia, wally

SUITES: Mapping[str, str] = MappingProxyType(
    {**classic.SUITES, **fioloadgen.SUITES, **snia.SUITES, **wally.SUITES}
)


def description_of(text: str) -> str:
    """What a suite or a profile says of itself, on one line; empty when it says nothing."""
    found = yaml.safe_load(text)
    said = found.get("description") if isinstance(found, dict) else None
    return " ".join(str(said or "").split())
