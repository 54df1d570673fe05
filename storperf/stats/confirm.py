"""From a suspicion to a verdict: a screen, then looks at fresh trials, for many cases at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from storperf.model.ending import LOOKS
from storperf.stats.estimates import Estimates, from_baseline, from_pairs
from storperf.stats.screen import FEWEST_PROOF_DF, HARM, MARGIN, RUN_ALPHA
from storperf.stats.student import t_quantiles
from storperf.stats.table import Floats, Ints, Mask

# At each look: how often an unchanged build may be called a regression by it.
PAIR_ALPHAS = (0.005, 0.008, 0.0125)
# Where no screen went before, more unchanged builds come to a look: 0.85 % false fails became 0.5.
ALONE_ALPHAS = (0.0025, 0.004, 0.00625)
# Repeats share their session with the run that raised the suspicion, which no number of them
# averages out.  At 0.0025 a look, an AR(1) of 0.5 between runs still leaves 0.7 % false fails.
REPEAT_ALPHA = 0.0025
PASS_LEVEL = 0.95
# A proof is a 95 % interval that ends above a loss of 5 %: with a one-sided 0.95, several looks
# and a run that was hit made 4 to 5 % of the proofs of noisy hosts wrong.
PROOF_LEVEL = 0.975
# An improvement is worth the word when a loss of that size would be a regression.
IMPROVED_LEVEL = 0.99
FEWEST_CANDIDATES = 3


class By(IntEnum):
    """How far a case came; what the last look was at."""

    NONE = 0
    SCREEN = 1
    PAIRS = 2
    REPEATS = 3


class Call(IntEnum):
    """What a case came to; UNCLEAR is inconclusive."""

    UNCLEAR = 0
    FINE = 1
    WORSE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """m cases with baselines of one length; logarithms, of which worse is below.

    `candidate` (shape m) is the centre of `candidates` values each, NaN for none;
    `baseline` has shape m x n, n may be 0; `pairs` (differences) and `repeats` have shape
    m x 8 at most, NaN from the first missing one on.  `higher_is_better` tells on which
    side of 1 the margins of 2 and 5 % lie.  `is_suspected`: something else than this screen
    picked the cases for a loss, so that pairs are looked at as after a screen.  `level_share`
    (shape m, or one for all) is what a case has of the level of each look at pairs.
    """

    candidate: Floats
    candidates: Ints
    baseline: Floats
    pairs: Floats
    repeats: Floats
    prior_sigma: Floats
    prior_df: Floats
    higher_is_better: bool = True
    is_suspected: bool = False
    level_share: Floats | float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What m cases came to: the last look's estimate, and how it was read.

    `alpha` is the level that a loss had to reach there; `looked` counts pairs or repeats.
    The estimates of a case without any look are NaN.
    """

    call: Ints
    by: Ints
    looked: Ints
    is_proven: Mask
    is_improved: Mask
    estimates: Estimates
    alpha: Floats


def loss_distance(share: float, *, higher_is_better: bool) -> float:
    """How far below zero a loss of this share lies on the oriented logarithmic scale."""
    return float(-np.log1p(-share) if higher_is_better else np.log1p(share))


def decide(cases: Cases) -> Outcomes:
    """Screen, and look at fresh trials as long as that is suspicious and there are some.

    A screen passes or suspects; only a look at pairs, at repeats, or at three and more
    candidates together can call a case worse.  Where there is nothing to screen with, pairs
    decide alone, at half of the levels.  Values behind the look that settled a case are never read.
    Source: VERDICT.md, section 6; rates in docs/explanation/verdict.md.
    """
    state = _Progress.fresh(cases)
    if cases.baseline.shape[1]:
        _screen(state)
    run_sigma, run_df = _known_spread(state)
    was_screened = (state.by == By.SCREEN) | cases.is_suspected
    share = np.broadcast_to(cases.level_share, cases.candidate.shape)
    for pairs, alpha, alone in zip(LOOKS, PAIR_ALPHAS, ALONE_ALPHAS, strict=True):
        rows = _open_with(state, cases.pairs, pairs)
        if len(rows):
            found = from_pairs(cases.pairs[rows, :pairs], run_sigma[rows], run_df[rows])
            level = share[rows] * np.where(was_screened[rows], alpha, alone)
            _look(state, rows, found, level, (By.PAIRS, pairs))
    for repeats in LOOKS if cases.baseline.shape[1] else ():
        rows = _open_with(state, cases.repeats, repeats)
        rows = rows[state.by[rows] != By.PAIRS]
        if len(rows):
            centre = np.median(cases.repeats[rows, :repeats], axis=1)
            found = _against(cases, rows, centre)
            _look(state, rows, found, np.full(len(rows), REPEAT_ALPHA), (By.REPEATS, repeats))
    return state.outcomes()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """The arrays that the looks fill in, a row a case."""

    cases: Cases
    call: Ints
    by: Ints
    looked: Ints
    is_proven: Mask
    is_improved: Mask
    figures: Floats
    alpha: Floats

    @classmethod
    def fresh(cls, cases: Cases) -> _Progress:
        count = len(cases.candidate)
        return cls(
            cases=cases,
            call=np.zeros(count, dtype=np.int64),
            by=np.zeros(count, dtype=np.int64),
            looked=np.zeros(count, dtype=np.int64),
            is_proven=np.zeros(count, dtype=np.bool_),
            is_improved=np.zeros(count, dtype=np.bool_),
            figures=np.full((4, count), np.nan),
            alpha=np.full(count, np.nan),
        )

    def outcomes(self) -> Outcomes:
        shift, error, df, sigma = self.figures
        return Outcomes(
            call=self.call,
            by=self.by,
            looked=self.looked,
            is_proven=self.is_proven,
            is_improved=self.is_improved,
            estimates=Estimates(shift=shift, error=error, df=df, sigma=sigma),
            alpha=self.alpha,
        )


def _distances(cases: Cases) -> tuple[float, float]:
    """What a loss of 2 % and one of 5 % are on the oriented scale, above zero."""
    better = cases.higher_is_better
    return (
        loss_distance(MARGIN, higher_is_better=better),
        loss_distance(HARM, higher_is_better=better),
    )


def _against(cases: Cases, rows: Ints, values: Floats) -> Estimates:
    return from_baseline(
        values, cases.baseline[rows], cases.prior_sigma[rows], cases.prior_df[rows]
    )


def _note(state: _Progress, rows: Ints, found: Estimates, alpha: float | Floats) -> None:
    state.figures[:, rows] = (found.shift, found.error, found.df, found.sigma)
    state.alpha[rows] = alpha


def _screen(state: _Progress) -> None:
    """The first look: fine, or suspicious (which leaves the case open)."""
    cases = state.cases
    margin, harm = _distances(cases)
    rows = np.flatnonzero(cases.candidates > 0)
    found = _against(cases, rows, cases.candidate[rows])
    limit = np.maximum(t_quantiles(1 - RUN_ALPHA, found.df) * found.error, margin)
    _note(state, rows, found, RUN_ALPHA)
    state.by[rows] = By.SCREEN
    state.call[rows] = np.where(found.shift < -limit, Call.UNCLEAR, Call.FINE)
    state.is_improved[rows] = (found.bound(1 - IMPROVED_LEVEL) > 0) & (found.shift > margin)
    sure = found.bound(1 - PROOF_LEVEL) > -harm
    state.is_proven[rows] = sure & (found.df >= FEWEST_PROOF_DF)
    several = rows[
        (cases.candidates[rows] >= FEWEST_CANDIDATES)
        & (state.call[rows] == Call.UNCLEAR)
        & np.isnan(cases.pairs[rows, :1]).all(axis=1)
    ]
    if len(several):
        strict = _against(cases, several, cases.candidate[several])
        _look(state, several, strict, np.full(len(several), REPEAT_ALPHA), (By.REPEATS, 0))


def _known_spread(state: _Progress) -> tuple[Floats, Floats]:
    """What is known of a run's spread before the pairs: by prior and baseline, or by prior."""
    cases = state.cases
    if not cases.baseline.shape[1]:
        return cases.prior_sigma, cases.prior_df
    every = np.arange(len(cases.candidate))
    # The spread does not depend on the value that is compared.
    found = _against(cases, every, np.zeros(len(every)))
    return found.sigma, found.df


def _open_with(state: _Progress, trials: Floats, count: int) -> Ints:
    """The rows that are undecided and have so many fresh trials."""
    if trials.shape[1] < count:
        return np.zeros(0, dtype=np.int64)
    is_there = ~np.isnan(trials[:, count - 1])
    found: Ints = np.flatnonzero((state.call == Call.UNCLEAR) & is_there)
    return found


def _look(
    state: _Progress, rows: Ints, found: Estimates, alpha: Floats, at: tuple[By, int]
) -> None:
    """One look: worse beyond doubt and by more than 2 %, surely not by 5 %, or still open."""
    margin, harm = _distances(state.cases)
    worse = (found.bound(1 - alpha) < 0) & (found.shift < -margin)
    fine = ~worse & (found.bound(1 - PASS_LEVEL) > -harm)
    _note(state, rows, found, alpha)
    state.by[rows], state.looked[rows] = at
    state.call[rows] = np.where(worse, Call.WORSE, np.where(fine, Call.FINE, Call.UNCLEAR))
    state.is_proven[rows] = fine & (found.bound(1 - PROOF_LEVEL) > -harm)
    state.is_improved[rows] = (found.bound(alpha) > 0) & (found.shift > margin)
