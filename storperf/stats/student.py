"""Student's t, the only distribution that the verdict needs besides the normal one.

Of our own, because scipy.special, which has it, takes 27 MiB and a quarter of a second to
import: more than all else that a run's verdict needs.  A test holds it against scipy.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, pi, sqrt
from statistics import NormalDist

import numpy as np

from storperf.stats.table import Floats

_NORMAL = NormalDist()
# The integrands are smooth: at so many points the last digits of a double are what is lost.
_POINTS = 96
# From the normal quantile Newton's steps rise to the root, doubling at worst.
_MOST_STEPS = 100
_CLOSE = 1e-12
_MANY = 1000.0
_FEW = 50.0
_FAR = 60.0


@lru_cache(maxsize=4096)
def t_quantile(probability: float, df: float) -> float:
    """The value that a t-distributed figure with `df` degrees of freedom stays below.

    `probability` is one-sided, from 0.0001 to 0.9999, `df` at least 1.5, for seven digits.
    """
    return float(t_quantiles(probability, np.array([df]))[0])


def t_quantiles(probability: float | Floats, df: Floats) -> Floats:
    """`t_quantile` for each of many degrees of freedom (shape m); the same where df is."""
    if isinstance(probability, float):
        # A history has few different lengths, and each quantile is a search.
        different, place = np.unique(df, return_inverse=True)
        return _quantiles(np.full(len(different), probability), different)[place]
    return _quantiles(np.asarray(probability, dtype=np.float64), np.asarray(df, dtype=np.float64))


def t_probabilities(values: Floats, df: Floats) -> Floats:
    """How probable it is that a t-distributed figure lies below each of `values` (shape m)."""
    above = _tails(np.abs(values), np.asarray(df, dtype=np.float64))
    return np.where(values > 0, 1 - above, above)


def _quantiles(probability: Floats, df: Floats) -> Floats:
    """Newton's search on the tail, which is convex: it rises to the root and never passes it."""
    tail = np.minimum(probability, 1 - probability)
    found = np.array([-_NORMAL.inv_cdf(share) for share in tail.tolist()])
    for _ in range(_MOST_STEPS):
        step = (_tails(found, df) - tail) / _densities(found, df)
        found += step
        if np.all(np.abs(step) <= _CLOSE * (1 + found)):
            break
    return np.where(probability < 0.5, -found, found)


def _tails(values: Floats, df: Floats) -> Floats:
    """The probability above each of `values` (>= 0).

    With t = sqrt(df) tan(a) the density becomes cos(a)^(df - 1), which Fejer's rule
    integrates as well for one degree of freedom as for a million.
    """
    points, weights = _fejer()
    # Nothing is beyond, and the points would miss what is before it.
    near = np.where(df > _FEW, np.minimum(values, _FAR), values)
    angles = np.arctan(near / np.sqrt(df))
    tangents = np.tan(angles[:, None] / 2 * (points + 1))
    # cos(a) ** 2 = 1 / (1 + tan(a) ** 2), of which log1p loses nothing where a is small.
    heights = np.exp(-(df[:, None] - 1) / 2 * np.log1p(tangents**2))
    areas = angles / 2 * (heights * weights).sum(axis=1)
    found: Floats = np.maximum(0.5 - areas * _scales(df), 0.0)
    return found


def _densities(values: Floats, df: Floats) -> Floats:
    found: Floats = _scales(df) / np.sqrt(df) * (1 + values**2 / df) ** (-(df + 1) / 2)
    return found


def _scales(df: Floats) -> Floats:
    """1 / B(df / 2, 1 / 2): what makes the whole area 1."""
    return np.array([_scale(each) for each in df.tolist()])


def _scale(df: float) -> float:
    if df < _MANY:
        return exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(pi)
    # The difference of two large numbers; its series is exact to the last digits by then.
    return sqrt(df / 2 / pi) * (1 - 1 / (4 * df) + 1 / (32 * df**2) + 5 / (128 * df**3))


@lru_cache(maxsize=1)
def _fejer() -> tuple[Floats, Floats]:
    """Points and weights on (-1, 1) of Fejer's first rule (Fejer 1933).

    As good here as those of Gauss, which take linear algebra, and that two MiB.
    """
    angles = (2 * np.arange(_POINTS) + 1) * pi / (2 * _POINTS)
    waves = np.arange(1, _POINTS // 2 + 1)
    sums = (np.cos(2 * np.outer(angles, waves)) / (4 * waves**2 - 1)).sum(axis=1)
    return np.cos(angles), (1 - 2 * sums) * 2 / _POINTS
