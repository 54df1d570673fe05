"""What a report shows beside the result, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from storperf.model.run import Event, Trial
from storperf.reports.html_traces import Traces


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of the run: its name in the run's folder, and the way to it from the report."""

    name: str
    link: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of a run beside its result.

    `load_traces` gives what a trial's figures are drawn from, None when its intervals are not
    kept, StoreError when they cannot be read.  `run_links` leads to other runs' reports.
    """

    load_traces: Callable[[Trial], Traces | None]
    events: tuple[Event, ...] = ()
    files: tuple[KeptFile, ...] = ()
    run_links: Mapping[str, str] = field(default_factory=dict)
