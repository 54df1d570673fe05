"""Whether a trial that still runs knows its mean well enough."""

from __future__ import annotations

from storperf.stats.batch import batch_interval
from storperf.stats.table import Floats
from storperf.stats.warmup import mser5_cut


def half_width_share(values: Floats) -> float | None:
    """Half of the 95 % interval of the mean, as a share of the mean, after the warm-up cut.

    `values` (shape n) are evenly spaced, each the mean over equally many intervals.  The
    interval is that of ten batch means, t(9), never that of independent values: on AR(1) series
    of 0.5 to 0.8 the latter holds the mean in 70 to 75 of 100 cases instead of 95.
    None while nothing can be said: below 25 values, when MSER-5 would cut more than half, or
    without I/O.  A narrow interval does not mean steady, nor that a second trial would agree;
    and who looks again and again until it is narrow is wrong more often than 5 times in 100
    (docs/explanation/steady-state.md has the rates).
    """
    cut = mser5_cut(values)
    if cut is None or cut.is_more_than_half:
        return None
    interval = batch_interval(values[cut.values :])
    if interval is None or not interval.mean > 0:
        return None
    return interval.half_width / interval.mean
