"""How long a step is measured: when a trial ends, and what is measured again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyRule:
    """SNIA PTS steady state: `rounds` rounds of `round_s`; limits as shares of the average."""

    round_s: float
    rounds: int = 5
    range_limit: float = 0.20
    slope_limit: float = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class StorperfRule:
    """The rule of the earlier StorPerf, for comparison with its results and nothing else.

    It looks at fio's running averages from the trial's start, one each `sample_s`; limits are
    shares of their average, and the slope's is per sample.
    """

    sample_s: float = 60.0
    samples: int = 10
    range_limit: float = 0.20
    slope_limit: float = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidentRule:
    """The 95 % interval of the mean is narrow: half of it is at most that share of the mean.

    Nothing is looked at before `at_least` intervals.
    """

    half_width: float = 0.01
    at_least: int = 300


class EndRule(StrEnum):
    """A rule that may end a trial before its time is up, as a job file names it."""

    STEADY = "steady"
    CONFIDENT = "confident"
    STORPERF = "storperf"


class Need(StrEnum):
    """How several rules of an ending are combined."""

    ALL = "all"
    ANY = "any"


# After how many pairs is looked whether they decide (VERDICT.md section 6, stage 2).
LOOKS = (3, 5, 8)
# Without a reference the step itself is measured so often, and looked at once.
RERUNS = 2


class ConfirmWhen(StrEnum):
    """When a step is measured afresh before the verdict."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a suspicion leads to; `at_most_s` is the most that fresh trials may measure."""

    when: ConfirmWhen = ConfirmWhen.AUTO
    at_most_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """When a trial ends: after `runtime_s`; or sooner, by the rules that stand here.

    With a rule, `runtime_s` is the deadline (`at_most`).
    """

    runtime_s: float
    until_steady: SteadyRule | None = None
    until_storperf: StorperfRule | None = None
    until_confident: ConfidentRule | None = None
    need: Need = Need.ALL

    @property
    def rules(self) -> frozenset[EndRule]:
        """The rules that stand here; none for a trial of fixed length."""
        present = {
            EndRule.STEADY: self.until_steady,
            EndRule.CONFIDENT: self.until_confident,
            EndRule.STORPERF: self.until_storperf,
        }
        return frozenset(name for name, rule in present.items() if rule is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """SNIA's rounds: every step once a round, until the tracked steps held still.

    Steady state is judged by `rule` over the last `rule.rounds` rounds; only their trials are
    the measurement.  `track` are patterns of step keys (as in file names); empty is every step.
    """

    at_most: int
    rule: SteadyRule
    track: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSearch:
    """A search for the queue depth at which a workload saturates.

    The depth is doubled from `first` on.  A step that gains less than `gain` (a share) in the
    judged figure while its mean latency grew saturates; the one before it is the knee.
    """

    first: int = 1
    at_most: int = 256
    gain: float = 0.05
