"""Student's t, the only distribution that the verdict needs."""

from __future__ import annotations

import numpy as np

from storperf.stats.table import Floats


def t_quantile(probability: float, df: float) -> float:
    """The value that a t-distributed figure with `df` degrees of freedom stays below.

    `probability` is one-sided, in (0, 1).  Source: scipy.special.stdtrit; scipy.stats
    would do the same and cost 100 MB of resident memory.
    """
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def t_quantiles(probability: float | Floats, df: Floats) -> Floats:
    """`t_quantile` for each of many degrees of freedom (shape m); the same where df is."""
    from scipy.special import stdtrit

    # A history has few different lengths, and each quantile is a search: 20 times faster.
    if isinstance(probability, float) and len(df) > 1:
        different, place = np.unique(df, return_inverse=True)
        found: Floats = stdtrit(different, probability)[place]
        return found
    return np.asarray(stdtrit(df, probability), dtype=np.float64)


def t_probabilities(values: Floats, df: Floats) -> Floats:
    """How probable it is that a t-distributed figure lies below each of `values` (shape m)."""
    from scipy.special import stdtr

    return np.asarray(stdtr(df, values), dtype=np.float64)
