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
from storperf.stats.warmup import Cut, mser5_cut

# Where rounds are shorter than SNIA's, their range counts when it is no noise: the rounds differ
# more than the four parts of each do, at this level (F test).  Of steady series of 60 noisy
# seconds it refuses 1 of 100, of longer or quieter ones hardly any.
_PARTS = 4
_RANGE_LEVEL = 0.001
# A series whose last tenth is below half of what is usual went down at its end.
_ENDED = 0.5
# Of the time a series spans, how much has to be there.
_LEAST_COVERED = 0.9

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
    Where more than a tenth of the time has no value nothing is judged.
    """
    if len(values) == 0:
        return SteadySeries(reason=SteadyReason.TOO_FEW, warmup_s=0.0)
    if not np.any(values > 0):
        return SteadySeries(reason=SteadyReason.NO_IO, warmup_s=0.0)
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    if step_s * len(times_s) < _LEAST_COVERED * (times_s[-1] - times_s[0] + step_s):
        return SteadySeries(reason=SteadyReason.GAPS, warmup_s=0.0, mean=float(values.mean()))
    cut = mser5_cut(values)
    return _of_rounds(values, step_s) if cut is None else _judged(times_s, values, cut, step_s)


def _judged(times_s: Floats, values: Floats, cut: Cut, step_s: float) -> SteadySeries:
    """Enough values: cut, drift, and SNIA's rule or, of short rounds, a sure difference."""
    kept = values[cut.values :]
    warmup_s = float(times_s[cut.values] - times_s[0])
    judged = replace(_figures(kept, step_s), warmup_s=warmup_s)
    if cut.is_more_than_half:
        return replace(judged, reason=SteadyReason.NEVER_SETTLED)
    if _drifts(values, cut.values):
        return replace(judged, reason=SteadyReason.DRIFT)
    if judged.round_s is not None and judged.round_s >= SNIA_ROUND_S:
        return judged
    reason = SteadyReason.RANGE if _is_uneven(kept) else SteadyReason.STEADY
    return replace(judged, reason=reason)


def _is_uneven(kept: Floats) -> bool:
    """Whether five short rounds differ by more than 20 % and surely, or the end went down."""
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import fdtrc

    size = len(kept) // (ROUNDS * _PARTS)
    if size == 0:
        return False
    parts = kept[len(kept) - size * ROUNDS * _PARTS :].reshape(ROUNDS * _PARTS, size).mean(axis=1)
    if float(parts[-2:].mean()) < _ENDED * float(np.median(parts)):
        return True
    rows = parts.reshape(ROUNDS, _PARTS)
    means = rows.mean(axis=1)
    if np.ptp(means) <= SteadyRule(round_s=SNIA_ROUND_S).range_limit * means.mean():
        return False
    df = (ROUNDS - 1, ROUNDS * (_PARTS - 1))
    within = float(((rows - means[:, None]) ** 2).sum()) / df[1]
    between = _PARTS * float(((means - means.mean()) ** 2).sum()) / df[0]
    return within == 0 or bool(fdtrc(*df, between / within) < _RANGE_LEVEL)


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
