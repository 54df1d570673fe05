"""Two runs, one judged against the other."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.model.run import Run
from storperf.model.verdict import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """Run `candidate` judged against run `reference` alone, step by step.

    A check whose reason is `not_comparable` names the field that differs; its figures
    are shown side by side and not judged.
    """

    reference: Run
    candidate: Run
    checks: tuple[Check, ...]
