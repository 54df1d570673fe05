"""Whether a plain series over time is steady: warm-up cut, drift and SNIA's rule together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from storperf.model.ending import SteadyRule
from storperf.model.steady_series import SteadyReason, SteadySeries
from storperf.stats.batch import batch_interval
from storperf.stats.drift import drift
from storperf.stats.judge_steady import ROUNDS
from storperf.stats.steady import SHORTEST_ROUND_S, SniaFigures, snia_window
from storperf.stats.table import Floats
from storperf.stats.warmup import mser5_cut

# SNIA's rounds are minutes; of a truly steady noisy series of rounds of 10 s its rule refuses
# three of four (VERDICT.md, section 4), so that it is told there and does not decide.
SNIA_ROUND_S = 60.0
_LONG_CUT = 0.2


def judge_series(times_s: Floats, values: Floats) -> SteadySeries:
    """The judgement of one series (both of shape n, times going up, values from zero on).

    From 25 values on: the MSER-5 cut, then the drift of the rest (and of the whole, where
    the cut was long); SNIA's rule over five equal
    rounds of the rest decides too where a round lasts a minute.  Of 5 to 24 values, 10 s
    or more apart, each is taken for a round, and SNIA's rule over the last five decides.
    Steady does not mean flat: the figures say how much it may drift.
    """
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    if not np.any(values > 0):
        return SteadySeries(reason=SteadyReason.NO_IO, warmup_s=0.0)
    cut = mser5_cut(values)
    if cut is None:
        return _of_rounds(values, step_s)
    kept = values[cut.values :]
    judged = replace(_figures(kept, step_s), warmup_s=cut.values * step_s)
    if cut.is_more_than_half:
        return replace(judged, reason=SteadyReason.NEVER_SETTLED)
    if _drifts(values, cut.values):
        return replace(judged, reason=SteadyReason.DRIFT)
    if judged.round_s is not None and judged.round_s >= SNIA_ROUND_S:
        return judged
    return replace(judged, reason=SteadyReason.STEADY)


def _drifts(values: Floats, cut: int) -> bool:
    """Whether what was kept drifts, or a slow drift of the whole was taken for a warm-up.

    MSER-5 takes up to half of a fall that never ends.  A warm-up ends: after a cut of more than a
    fifth the rest may not go on, surely, in the way that the whole went.
    """
    rest, whole = drift(values[cut:]), drift(values)
    if rest is None or whole is None:
        return False
    goes_on = rest.low > 0 if whole.share > 0 else rest.high < 0
    is_long = cut > _LONG_CUT * len(values)
    return rest.is_clear or (is_long and whole.is_clear and goes_on)


def _of_rounds(values: Floats, step_s: float) -> SteadySeries:
    """Few values: each a round, if they are far enough apart for that."""
    if len(values) < ROUNDS or step_s < SHORTEST_ROUND_S or not np.any(values[-ROUNDS:] > 0):
        mean = float(values.mean())
        return SteadySeries(reason=SteadyReason.TOO_FEW, warmup_s=0.0, mean=mean)
    warmup_s = (len(values) - ROUNDS) * step_s
    return replace(_figures(values[-ROUNDS:], step_s), warmup_s=warmup_s)


def _figures(kept: Floats, step_s: float) -> SteadySeries:
    """The figures of what was kept; their reason is what SNIA's rule says of five rounds."""
    size = len(kept) // ROUNDS
    rounds = kept[len(kept) - ROUNDS * size :].reshape(ROUNDS, size).mean(axis=1)
    snia = snia_window(rounds.tolist(), SteadyRule(round_s=size * step_s, rounds=ROUNDS))
    known, trend = batch_interval(kept), drift(kept)
    mean = float(kept.mean())
    half = None if known is None else known.half_width
    return SteadySeries(
        reason=_by_snia(snia),
        warmup_s=0.0,
        round_s=size * step_s,
        range=snia.range,
        slope=snia.slope,
        excursion=snia.excursion,
        mean=mean,
        mean_low=None if half is None else mean - half,
        mean_high=None if half is None else mean + half,
        drift=None if trend is None else trend.share,
        drift_low=None if trend is None else trend.low,
        drift_high=None if trend is None else trend.high,
    )


def _by_snia(snia: SniaFigures) -> SteadyReason:
    rule = SteadyRule(round_s=SNIA_ROUND_S)
    if snia.is_steady:
        return SteadyReason.STEADY
    is_wide = snia.range > rule.range_limit * snia.average
    return SteadyReason.RANGE if is_wide else SteadyReason.SLOPE
