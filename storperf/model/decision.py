"""A judgement of plain numbers: what was given, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.model.verdict import Outcome


class Cause(StrEnum):
    """Why a decision came out as it did; the second word of it."""

    PROVEN = "proven"
    NOT_WORSE = "not_worse"
    IMPROVED = "improved"
    REGRESSION = "regression"
    SUSPICIOUS = "suspicious"
    UNDECIDED = "undecided"
    TOO_FEW = "too_few"
    NO_BASELINE = "no_baseline"
    INVALID = "invalid"

    @property
    def outcome(self) -> Outcome:
        """The outcome that this cause stands for."""
        if self in (Cause.PROVEN, Cause.NOT_WORSE, Cause.IMPROVED):
            return Outcome.PASS
        return Outcome.FAIL if self is Cause.REGRESSION else Outcome.INCONCLUSIVE


class Rule(StrEnum):
    """Which rule had the last word."""

    NONE = "none"
    SCREEN = "screen"
    PAIRS = "pairs"
    REPEATS = "repeats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One comparison; every value is one run's, positive, oldest first.

    `candidates` are screened as one value; `pairs` (reference, candidate) and `repeats` of the
    candidate are looked at only if that is suspicious, in order, and only as far as needed.
    `is_suspected`: an earlier screen or trigger asks for the pairs.
    `prior_spread` is the known relative spread of a run, None when nobody knows.
    `level_share` is what the case has of every look's level, where many cases share one.
    `fault` names the first value that is no measurement; it and all behind it are left out,
    and a case that is then open is invalid.
    """

    name: str
    baseline: tuple[float, ...]
    candidates: tuple[float, ...]
    pairs: tuple[tuple[float, float], ...] = ()
    repeats: tuple[float, ...] = ()
    prior_spread: float | None = None
    higher_is_better: bool = True
    is_suspected: bool = False
    level_share: float = 1.0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a case comes to.

    Changes are shares (-0.12 is 12 % less) on the way from reference to candidate; `low` and
    `high` bound the change with 95 %.  `p` is the one-sided p-value of "not worse".
    `smallest_visible` is the loss that the deciding rule sees 4 times of 5.  `runs_used` counts
    the candidates' runs that were looked at, and both of each pair; `pairs_needed` and
    `runs_needed` how many more would find a loss of 5 % 4 times of 5 (0: nothing is open;
    None: nobody can say).  `notes` are words about the baseline.  All are None when nothing
    could be compared.
    """

    case: str
    cause: Cause
    rule: Rule
    sentence: str
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    smallest_visible: float | None
    baseline_runs: int
    runs_used: int
    pairs_used: int
    pairs_needed: int | None
    runs_needed: int | None
    notes: tuple[str, ...] = ()
