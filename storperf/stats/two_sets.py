"""How far one set of runs is from another: two hosts, two volume types, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storperf.stats.prior import Prior, hampel_kept
from storperf.stats.screen import FEWEST_PROOF_DF, HARM, MARGIN, POWER
from storperf.stats.student import t_probabilities, t_quantile
from storperf.stats.table import Floats

# How many degrees of freedom the other set's spread is worth for one of them, at most.
BORROWED_DF = 4.0
# From so many runs on a set speaks of its spread alone; from so many on it can be cleaned.
FEWEST_ALONE = 5
FEWEST_TO_CLEAN = 10
# At which level a set is believed to be noisier than was expected of it.
WIDER_LEVEL = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """From `reference` to `candidate` (their centres, in the metric's unit), on the log scale.

    `shift` is positive where the candidate is higher; `error` is its standard error with
    `df` degrees of freedom, `spreads` what one run of either set scatters.
    """

    reference: float
    candidate: float
    shift: float
    error: float
    df: float
    spreads: tuple[float, float]

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the change, as shares."""
        half = t_quantile(0.975, self.df) * self.error
        return float(np.expm1(self.shift - half)), float(np.expm1(self.shift + half))

    def p_worse(self, *, higher_is_better: bool) -> float:
        """The one-sided p-value of "not worse"; 1 where a loss is within the margin of 2 %."""
        worse = -1.0 if higher_is_better else 1.0
        if worse * self.shift <= abs(np.log1p(worse * MARGIN)):
            return 1.0
        if self.error == 0:
            return 0.0
        turned = np.array([-worse * self.shift / self.error])
        return float(t_probabilities(turned, np.array([self.df]))[0])

    def smallest_visible(self, alpha: float, *, higher_is_better: bool) -> float:
        """The loss that a look at this level finds 4 times of 5, as a share."""
        worse = -1.0 if higher_is_better else 1.0
        limit = max(t_quantile(1 - alpha, self.df) * self.error, abs(np.log1p(worse * MARGIN)))
        seen = limit + t_quantile(POWER, self.df) * self.error
        return float(abs(np.expm1(worse * seen)))

    def is_proven(self, *, higher_is_better: bool) -> bool:
        """Whether the interval ends above a loss of 5 %, with eight degrees of freedom."""
        low, high = self.interval()
        inside = low > -HARM if higher_is_better else high < HARM
        return bool(inside and self.df >= FEWEST_PROOF_DF)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Set:
    """A set's centre, squared deviations, number of runs that were kept, and a centre's cost."""

    centre: float
    squares: float
    count: int
    cost: float


def distance(reference: Sequence[float], candidate: Sequence[float], prior: Prior) -> Distance:
    """The distance of two sets of positive values, one a run, each with one at least.

    Centres are medians without what lies 3.5 robust deviations away, below ten runs means.
    The sets may scatter differently (two clouds), so that each has a variance of
    its own and the error has Welch and Satterthwaite's degrees of freedom.  Fewer than five
    runs know little of theirs: what the prior and the other set say of it counts as four
    runs more then, unless their own scatter is so much wider that it cannot be true.
    With one run on either side this is the screen's formula.
    Runs have to be independent of each other: two sets of neighbouring nights are closer to
    themselves than to each other, and the error does not know it.
    Source: Welch 1947; the mixture is that of `estimates.from_baseline`.
    """
    ours, theirs = _set(candidate), _set(reference)
    if prior.df + ours.count + theirs.count <= 2:
        raise ValueError("two runs without a prior have no spread to be compared with")
    parts = [_variance(one, other, prior) for one, other in ((theirs, ours), (ours, theirs))]
    shares = [
        variance * one.cost / one.count
        for (variance, _), one in zip(parts, (theirs, ours), strict=True)
    ]
    total = sum(shares)
    most = prior.df + ours.count + theirs.count - 2
    if total > 0:
        pieces = (share**2 / df for share, (_, df) in zip(shares, parts, strict=True))
        df = min(most, total**2 / sum(pieces))
    else:
        df = most
    return Distance(
        reference=float(np.exp(theirs.centre)),
        candidate=float(np.exp(ours.centre)),
        shift=ours.centre - theirs.centre,
        error=total**0.5,
        df=df,
        spreads=(parts[0][0] ** 0.5, parts[1][0] ** 0.5),
    )


def _set(values: Sequence[float]) -> _Set:
    logs: Floats = np.log(np.asarray(values, dtype=np.float64))
    # Of a handful of normal values the cleaning leaves out too many: 3 % alarms at 1 % with five.
    is_median = len(logs) >= FEWEST_TO_CLEAN
    kept = hampel_kept(logs) if is_median else logs
    mean = float(kept.mean())
    return _Set(
        centre=float(np.median(kept)) if is_median else mean,
        squares=float(((kept - mean) ** 2).sum()),
        count=len(kept),
        cost=np.pi / 2 if is_median else 1.0,
    )


def _is_wider(own: _Set, expected: float, known_df: float) -> bool:
    """Whether a set's runs scatter beyond what is expected of them (F test at 10 %)."""
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import fdtri

    if own.count < 2 or known_df <= 0:
        return False
    limit = float(fdtri(own.count - 1, known_df, 1 - WIDER_LEVEL))
    return own.squares > (own.count - 1) * expected * limit


def _variance(own: _Set, other: _Set, prior: Prior) -> tuple[float, float]:
    """A set's variance of a run and its degrees of freedom."""
    known_df = prior.df + other.count - 1
    known = prior.df * prior.sigma**2 + other.squares
    expected = known / known_df if known_df > 0 else 0.0
    borrowed = min(BORROWED_DF, known_df)
    if own.count >= FEWEST_ALONE or _is_wider(own, expected, known_df):
        borrowed = 0.0
    df = borrowed + own.count - 1
    if df == 0:
        # Nothing is known of it but through the other, which nobody knows either.
        return expected, 1.0
    return (borrowed * expected + own.squares) / df, df
