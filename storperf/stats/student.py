"""Student's t, the only distribution that the verdict needs."""

from __future__ import annotations


def t_quantile(probability: float, df: float) -> float:
    """The value that a t-distributed figure with `df` degrees of freedom stays below.

    `probability` is one-sided, in (0, 1).  Source: scipy.special.stdtrit; scipy.stats
    would do the same and cost 100 MB of resident memory.
    """
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))
