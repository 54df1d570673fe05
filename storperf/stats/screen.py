"""One new value against the values of accepted runs: a screen, never a verdict of failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from storperf.model.metric import Metric
from storperf.model.working import ScreenRule, ScreenWorking
from storperf.stats.baseline_shape import UNFIT_FOR_PROOF, baseline_words
from storperf.stats.estimates import Estimates, from_baseline
from storperf.stats.prior import FEWEST_TO_CLEAN, Prior, hampel_mask
from storperf.stats.student import t_quantile
from storperf.stats.table import Mask

# Of all runs of an unchanged build, how many may be called suspicious, however many checks: so
# many by the primary figures of all steps together, and so many by all the others.
PRIMARY_ALPHA = 0.15
OTHERS_ALPHA = 0.05
RUN_ALPHA = PRIMARY_ALPHA + OTHERS_ALPHA
# Of all runs whose suspicion is put to fresh trials, how many may be called a regression.
CONFIRM_ALPHA = 0.01
MARGIN = 0.02
POWER = 0.80
# "Proven" means that a loss is surely smaller than this, and that the spread is known.
HARM = 0.05
FEWEST_PROOF_DF = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Changes are shares from the baseline's centre to the value; the interval is of 95 %.

    `threshold` and `smallest_visible` are losses, positive shares in the metric's bad
    direction: what is flagged, and what would have been flagged 4 times of 5.  `p` is the
    one-sided p-value of "not worse", 1 where a loss is within the margin of 2 %.  `is_proven`:
    the interval ends above a loss of 5 %, with eight degrees of freedom behind it.
    """

    centre: float
    runs: int
    change: float
    change_low: float
    change_high: float
    threshold: float
    smallest_visible: float
    p: float
    is_suspicious: bool
    is_improved: bool
    is_proven: bool
    working: ScreenWorking


def sidak(run_alpha: float, checks: int) -> float:
    """The level of each of `checks` checks that gives their family `run_alpha`.

    Source: Sidak 1967; exact for independent checks, cautious for those that move together.
    """
    if checks < 1:
        raise ValueError("a family of no checks has no level")
    return float(-np.expm1(np.log1p(-run_alpha) / checks))


def screen(
    value: float, baseline: Sequence[float], *, metric: Metric, prior: Prior, alpha: float
) -> Screen:
    """The empirical-Bayes t prediction interval of VERDICT.md, section 6, stage 1.

    `baseline` holds one positive value a run (at least one), `value` is positive; the
    formulas are those of `estimates.from_baseline`.
    Suspicious: worse by more than t(1 - alpha) times the error and by more than 2 %.
    Assumes that runs scatter independently around one centre with roughly normal logarithms.
    `is_suspicious` False does not mean equal: see `smallest_visible`.
    """
    if not baseline or min(*baseline, value) <= 0:
        raise ValueError("a screen compares a positive value with positive values of runs")
    logs = np.log(np.asarray(baseline, dtype=np.float64))
    kept = hampel_mask(logs[None, :])[0]
    if prior.df + kept.sum() <= 1:
        raise ValueError("one run without a prior has no spread to screen with")
    found = from_baseline(
        np.log([value]), logs[None, :], np.array([prior.sigma]), np.array([prior.df])
    )
    working = _working(value, baseline, kept, metric, prior, alpha, found)
    shift, worse = working.shift, working.worse
    half = working.t_interval * working.error
    seen = working.limit + t_quantile(POWER, working.df) * working.error
    return Screen(
        centre=float(np.exp(working.log_centre)),
        runs=len(baseline),
        change=float(np.expm1(shift)),
        change_low=float(np.expm1(shift - half)),
        change_high=float(np.expm1(shift + half)),
        threshold=_loss(working.limit, worse),
        smallest_visible=_loss(seen, worse),
        p=_p_worse(found, worse) if worse * shift > working.margin else 1.0,
        is_suspicious=working.is_suspicious,
        is_improved=bool(worse * shift < -working.limit),
        is_proven=working.is_proven,
        working=working,
    )


def _working(  # noqa: PLR0913, PLR0917 - what a screen is made of
    value: float,
    baseline: Sequence[float],
    kept: Mask,
    metric: Metric,
    prior: Prior,
    alpha: float,
    found: Estimates,
) -> ScreenWorking:
    shift, error, df, sigma = (
        float(each[0]) for each in (found.shift, found.error, found.df, found.sigma)
    )
    worse = -1 if metric.higher_is_better else 1
    margin = float(abs(np.log1p(worse * MARGIN)))
    t, t_interval = t_quantile(1 - alpha, df), t_quantile(0.975, df)
    limit = max(t * error, margin)
    harm = abs(np.log1p(worse * HARM))
    own = np.log(np.asarray(baseline, dtype=np.float64))[kept]
    return ScreenWorking(
        rule=ScreenRule.SCREEN,
        value=value,
        values=tuple(float(each) for each in baseline),
        is_kept=tuple(bool(each) for each in kept),
        centre_is="median" if len(own) >= FEWEST_TO_CLEAN else "mean",
        log_value=float(np.log(value)),
        log_centre=float(np.log(value)) - shift,
        shift=shift,
        worse=worse,
        own_sigma=float(own.std(ddof=1)) if len(own) > 1 else None,
        own_df=len(own) - 1,
        prior_sigma=prior.sigma,
        prior_df=prior.df,
        prior_source=prior.source,
        sigma=sigma,
        df=df,
        error=error,
        alpha=alpha,
        t=t,
        margin=margin,
        limit=limit,
        t_interval=t_interval,
        is_suspicious=bool(worse * shift > limit),
        is_proven=bool(
            worse * shift + t_interval * error < harm
            and df >= FEWEST_PROOF_DF
            and not UNFIT_FOR_PROOF & set(baseline_words(np.log([baseline]))[0])
        ),
    )


def _p_worse(found: Estimates, worse: float) -> float:
    """How probable such a loss is where nothing changed; `worse` is the bad direction's sign."""
    return float(replace(found, shift=-worse * found.shift).p_worse()[0])


def _loss(distance: float, worse: float) -> float:
    """The share that a distance on the log scale means in the bad direction."""
    return float(abs(np.expm1(worse * distance)))
