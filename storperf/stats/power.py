"""What could have been seen: the smallest loss, by how many runs or pairs there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.model.ending import LOOKS
from storperf.stats.confirm import PAIR_ALPHAS
from storperf.stats.estimates import MEDIAN_COST, PAIR_PRIOR_DF, PAIR_SHARE
from storperf.stats.prior import FEWEST_TO_CLEAN
from storperf.stats.screen import MARGIN, POWER
from storperf.stats.student import t_quantile

MOST_RUNS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """`loss` is a share: what is found 4 times of 5 with `count` runs, or pairs."""

    count: int
    loss: float


def visible_by_runs(
    sigma: float, prior_df: float, alpha: float, *, higher_is_better: bool
) -> tuple[Visible, ...]:
    """What a screen at the level `alpha` sees with 1 to 30 earlier runs.

    `sigma` is the spread of a run as it is known now, and would stay so: more runs would make it
    surer and move it too.  Where `prior_df` is 0 one run knows no spread, and 2 are the fewest.
    """
    found = []
    for runs in range(1, MOST_RUNS + 1):
        df = prior_df + runs - 1
        if df > 0:
            cost = np.pi / 2 if runs >= FEWEST_TO_CLEAN else 1.0
            error = sigma * (1 + cost / runs) ** 0.5
            loss = _loss(error, df, alpha, higher_is_better=higher_is_better)
            found.append(Visible(count=runs, loss=loss))
    return tuple(found)


def visible_by_pairs(sigma: float, df: float, *, higher_is_better: bool) -> tuple[Visible, ...]:
    """What pairs after a suspicion see at each look, where a run scatters by `sigma`.

    `df` is how well that is known.  Pairs that scatter otherwise than is expected see otherwise.
    """
    expected = PAIR_SHARE * 2**0.5 * sigma
    return tuple(
        Visible(
            count=pairs,
            loss=_loss(
                expected * (MEDIAN_COST / pairs) ** 0.5,
                min(df, PAIR_PRIOR_DF) + pairs - 1,
                alpha,
                higher_is_better=higher_is_better,
            ),
        )
        for pairs, alpha in zip(LOOKS, PAIR_ALPHAS, strict=True)
    )


def _loss(error: float, df: float, alpha: float, *, higher_is_better: bool) -> float:
    worse = -1.0 if higher_is_better else 1.0
    margin = abs(float(np.log1p(worse * MARGIN)))
    limit = max(t_quantile(1 - alpha, df) * error, margin)
    return abs(float(np.expm1(worse * (limit + t_quantile(POWER, df) * error))))
