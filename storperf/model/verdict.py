"""Pass, fail or inconclusive, always with the reason and the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from storperf.errors import ExitCode
from storperf.model.working import PairsWorking, ScreenWorking

# What a check of no single step is about.
WHOLE_RUN = "run"


class Outcome(StrEnum):
    """The three outcomes; where another system knows two, inconclusive is never a pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why; the second word of every verdict."""

    WITHIN_LIMITS = "within_limits"
    NOT_WORSE = "not_worse"
    LIMIT_BROKEN = "limit_broken"
    REGRESSION = "regression"
    VERIFY_ERROR = "verify_error"
    NO_BASELINE = "no_baseline"
    SUSPICIOUS = "suspicious"
    NOT_STEADY = "not_steady"
    NOT_COMPARABLE = "not_comparable"
    TOO_FEW = "too_few"
    DISTURBED = "disturbed"
    NOT_STORAGE = "not_storage"
    INVALID = "invalid"

    @property
    def outcome(self) -> Outcome:
        """The outcome that this reason stands for."""
        if self in (Reason.WITHIN_LIMITS, Reason.NOT_WORSE):
            return Outcome.PASS
        if self in (Reason.LIMIT_BROKEN, Reason.REGRESSION, Reason.VERIFY_ERROR):
            return Outcome.FAIL
        return Outcome.INCONCLUSIVE

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a run that ends with this reason."""
        if self is Reason.INVALID:
            return ExitCode.INFRASTRUCTURE
        return {
            Outcome.PASS: ExitCode.PASS,
            Outcome.FAIL: ExitCode.FAIL,
            Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        }[self.outcome]


class CheckKind(StrEnum):
    """What a check compares with, or what it gates."""

    LIMIT = "limit"
    BASELINE = "baseline"
    PAIRS = "pairs"
    GATE = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One judgement of one step, side, direction and metric.

    Values are in the metric's unit; changes are shares (-0.12 is 12 % less) on the way
    from baseline to candidate.  `low`/`high` bound the value, `change_low`/`change_high`
    the change, at the level the rule states.  `smallest_visible` is the loss this
    check would have seen with 80 % power.  `baseline_runs` names what was compared with.
    `since_run`: the history's trigger suspects a new level, of which that run is the first.
    `is_proven`: the change is surely better than a loss of 5 %.  `screens` and `pairs` are the
    working, in the order in which it was done; `bound` is that of the limit, and `baseline_from_s`
    and `baseline_until_s` say when the runs compared with ended (epoch seconds).
    """

    kind: CheckKind
    step: str
    side: str
    op: str | None
    metric: str | None
    reason: Reason
    sentence: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: str | None = None
    baseline_value: float | None = None
    baseline_runs: tuple[str, ...] = ()
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    smallest_visible: float | None = None
    since_run: str | None = None
    bound: float | None = None
    is_proven: bool = False
    baseline_from_s: float | None = None
    baseline_until_s: float | None = None
    screens: tuple[ScreenWorking, ...] = ()
    pairs: PairsWorking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The run's verdict: one reason that wins, one sentence, every check below it.

    `strength` is how much a pass says: `proven within 5 %`, or what it would have seen; empty for
    other outcomes and where nothing was compared.
    """

    outcome: Outcome
    reason: Reason
    exit_code: ExitCode
    sentence: str
    checks: tuple[Check, ...]
    enters_baseline: bool
    strength: str = ""

    @property
    def rest(self) -> str:
        """The sentence for where the strength stands above it: without saying it again."""
        again = f"{self.strength[:1].upper()}{self.strength[1:]}. "
        return self.sentence.removeprefix(again) if self.strength else self.sentence
