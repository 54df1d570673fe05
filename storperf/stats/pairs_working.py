"""Each look at a case's pairs with its numbers, as `confirm.decide` took it."""

from __future__ import annotations

import math

import numpy as np

from storperf.model.decision import Case, Decision
from storperf.model.ending import LOOKS
from storperf.model.working import LookWord, LookWorking, PairsWorking
from storperf.stats.confirm import ALONE_ALPHAS, PAIR_ALPHAS, PASS_LEVEL, loss_distance
from storperf.stats.estimates import PAIR_SHARE, from_pairs
from storperf.stats.prior import UNSTATED, stated_prior
from storperf.stats.screen import HARM, MARGIN
from storperf.stats.student import t_quantile
from storperf.stats.table import Floats


def pairs_working(case: Case, decision: Decision) -> PairsWorking:
    """The looks that were taken at a case without a baseline: those up to the deciding one.

    The numbers are computed again, by the very formulas; the last look's are the decision's.
    """
    prior = UNSTATED if case.prior_spread is None else stated_prior(case.prior_spread)
    sign = 1.0 if case.higher_is_better else -1.0
    pairs = case.pairs[: LOOKS[-1]]
    differences = np.array([sign * (math.log(after) - math.log(before)) for before, after in pairs])
    alphas = PAIR_ALPHAS if case.is_suspected else ALONE_ALPHAS
    return PairsWorking(
        pairs=tuple(pairs),
        run_sigma=prior.sigma,
        run_df=prior.df,
        run_source=prior.source,
        expected_sigma=PAIR_SHARE * 2**0.5 * prior.sigma,
        looks=tuple(
            _look(case, differences[:count], case.level_share * alpha, prior.sigma, prior.df)
            for count, alpha in zip(LOOKS, alphas, strict=True)
            if count <= decision.pairs_used
        ),
    )


def _look(
    case: Case, differences: Floats, alpha: float, run_sigma: float, run_df: float
) -> LookWorking:
    found = from_pairs(differences[None, :], np.array([run_sigma]), np.array([run_df]))
    median, sigma, df, error = (
        float(each[0]) for each in (found.shift, found.sigma, found.df, found.error)
    )
    margin = loss_distance(MARGIN, higher_is_better=case.higher_is_better)
    harm = loss_distance(HARM, higher_is_better=case.higher_is_better)
    t_worse, t_fine = t_quantile(1 - alpha, df), t_quantile(PASS_LEVEL, df)
    word = LookWord.OPEN
    if median + t_worse * error < 0 and median < -margin:
        word = LookWord.WORSE
    elif median - t_fine * error > -harm:
        word = LookWord.NOT_WORSE
    return LookWorking(
        pairs=len(differences),
        median=median,
        sigma=sigma,
        df=df,
        error=error,
        alpha=alpha,
        t_worse=t_worse,
        t_fine=t_fine,
        margin=margin,
        harm=harm,
        word=word,
    )
