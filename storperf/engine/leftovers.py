"""Spools that runs left behind, because their Graphite was away or their manager died."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storperf.deadline import Deadline
from storperf.errors import Conflict
from storperf.sinks.graphite import GraphiteSink
from storperf.sinks.spool import Owner, is_in_use, owner_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """A run's spool and what became of it; `facts` as GraphiteSink.close gives them."""

    run: str
    facts: dict[str, object]

    @property
    def is_complete(self) -> bool:
        """Whether nothing of it is missing any more."""
        return bool(self.facts["is_complete"])


def leftovers(spools: Path) -> tuple[str, ...]:
    """The runs whose spools nobody sends, oldest first."""
    return tuple(
        folder.name
        for folder in sorted(spools.glob("*"))
        if owner_of(folder) is not None and not is_in_use(folder)
    )


def flush(spools: Path, run: str, patience_s: float) -> Flushed:
    """Send what a run left, for at most so long; Conflict while somebody else does."""
    owner = owner_of(spools / run)
    if owner is None:
        raise Conflict(f"run {run} has nothing left to send")
    return Flushed(run=run, facts=GraphiteSink(spools, owner).close(patience_s))


def flush_all_to(spools: Path, own: Owner, patience_s: float) -> Iterator[Flushed]:
    """Send what other runs left for the same Carbon, for at most so long altogether."""
    deadline = Deadline.after(patience_s)
    for run in leftovers(spools):
        owner = owner_of(spools / run)
        if owner is None or not owner.sends_to(own) or run == own.run or deadline.is_over:
            continue
        try:
            yield flush(spools, run, deadline.remaining_s())
        except Conflict as error:
            log.info("%s", error)
