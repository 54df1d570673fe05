"""Two sets of runs, one judged against the other."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.model.run import Run
from storperf.model.verdict import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSet:
    """The runs that a person's words name, oldest first; `words` are those words."""

    words: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDifference:
    """A fact of the environment that is not the same in both sets.

    Each side has its values with the number of runs that had them, the most common first;
    nothing where no run of it tells the fact.
    """

    name: str
    reference: tuple[tuple[str, int], ...]
    candidate: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """The runs of `candidate` judged against those of `reference`, step by step.

    A check whose reason is `not_comparable` names the field that differs; its figures
    are shown side by side and not judged.  `environment` explains and judges nothing.
    """

    reference: RunSet
    candidate: RunSet
    checks: tuple[Check, ...]
    environment: tuple[FactDifference, ...] = ()
