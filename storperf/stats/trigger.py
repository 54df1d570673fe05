"""Whether the newest runs of a history are worth a confirmation: sensitive, and no verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.stats.screen import MARGIN
from storperf.stats.table import Floats

RECENT_RUNS = 15
BASELINE_RUNS = 30
FEWEST_BASELINE_RUNS = 20
FEWEST_RUNS = RECENT_RUNS + FEWEST_BASELINE_RUNS
MOST_RUNS = RECENT_RUNS + BASELINE_RUNS
ALLOWANCE = 0.5
LIMIT = 5.0
LIMIT_GROWTH = 2.0
_CLIP = 2.5
_NORMAL = 1.4826
# Of a baseline whose middle half are equal values nobody knows the spread: half of the margin.
_LEAST_SIGMA = MARGIN / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """`first` is the place of the first run of the suspected level; `shift` its change.

    `sum` is the cumulative sum that reached `limit`, both in standard deviations.
    """

    first: int
    shift: float
    sum: float
    limit: float


def loss_trigger(values: Floats, *, higher_is_better: bool, watched: int = 1) -> Trigger | None:
    """A trigger when the last runs of a history (shape n, positive, oldest first) sank.

    A windowed CUSUM on logarithms: the baseline are the up to 30 runs before the last 15; z is
    clipped at 2.5, so that one run that was hit cannot raise it; S = max(0, S + z - 0.5)
    reaches 5 at the newest run, and the median since it left zero is worse by 2 %.
    None below 35 runs.  Source: VERDICT.md, section 6, stage 3; Page 1954.
    It raises on 1 to 4 of 100 unchanged runs, which is why it only starts a confirmation.
    Where `watched` figures of a run are looked at, the limit is 5 + 2 ln(watched): the sum's tail
    falls to 1/e within 1.5 to 2 (simulated: what 2 % of the sums of a host that only scatters
    exceed is 5.3, what 2 % / 16 do is 10.5, and 2 % / 500 15.9).
    """
    if len(values) < FEWEST_RUNS:
        return None
    limit = LIMIT + LIMIT_GROWTH * float(np.log(watched))
    sign = 1.0 if higher_is_better else -1.0
    logs = sign * np.log(np.asarray(values, dtype=np.float64)[-RECENT_RUNS - BASELINE_RUNS :])
    baseline, recent = logs[:-RECENT_RUNS], logs[-RECENT_RUNS:]
    centre = float(np.median(baseline))
    sigma = _NORMAL * float(np.median(np.abs(baseline - centre)))
    losses = np.clip((centre - recent) / max(sigma, _LEAST_SIGMA), -_CLIP, _CLIP)
    total, start = 0.0, 0
    for number, loss in enumerate(losses.tolist()):
        total = max(0.0, total + loss - ALLOWANCE)
        if total == 0:
            start = number + 1
    shift = float(np.median(recent[start:])) - centre if total >= limit else 0.0
    if shift > np.log1p(-MARGIN):
        return None
    first = len(values) - RECENT_RUNS + start
    return Trigger(first=first, shift=float(np.expm1(sign * shift)), sum=total, limit=limit)
