"""How much a figure varies from run to run, before its own history can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from storperf.stats.table import Floats, Mask

PRIOR_DF = 4.0
FEWEST_POOLED_DF = 8
CAUTION = 1.15
FEWEST_TO_CLEAN = 5
# A calibration may find no spread at all: the grain of fio's percentiles is 0.8 to 1.6 %.
LEAST_SIGMA = 0.01
# Run-to-run standard deviation of the logarithm on an unknown host.  Four fio configurations
# on a shared virtual machine swung by 15 to 27 % (robust: up to 28 %) in IOPS (VERDICT.md
# section 3), where a dedicated lab has 2.4 %.  A prior that is too small calls noise a
# regression; one that is too wide only sees less until the lab's own runs replace it.
DEFAULT_SIGMA = 0.28
# 24 rounds of the same four (3 s, virtual disk, other work beside): the p99 of clat had a
# standard deviation of 0.19, 0.22, 0.48 and 0.62 where IOPS had 0.08, 0.04, 0.12 and 0.17.
DEFAULT_TAIL_SIGMA = 0.50

# Correction of the median absolute deviation for few values (Croux and Rousseeuw 1992,
# as in R's robustbase); for ten and more it is n / (n - 0.8).
_FEW = {5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The expected run-to-run standard deviation of a logarithm, worth `df` runs or so."""

    sigma: float
    df: float
    source: str


# Where nobody said how much runs scatter and nothing was measured: a weak word for a usual lab,
# soon outvoted by the runs themselves.  With it 0.2 to 0.3 % of unchanged builds of hosts of
# 1 to 6 % are called a regression after 1 to 10 runs (docs/explanation/verdict.md).
UNSTATED = Prior(sigma=0.06, df=2.0, source="a weak guess of 6 %, because none was given")


def stated_prior(spread: float) -> Prior:
    """The prior of somebody who knows the relative spread of a run."""
    return Prior(sigma=spread, df=PRIOR_DF, source=f"the given spread of {spread * 100:g} %")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Squared deviations of logarithms from their own history's mean, summed; and their df.

    Spreads of several histories are added: dividing the sums weighs each by its df.
    """

    squares: float
    df: int

    def __add__(self, other: Spread) -> Spread:
        return Spread(squares=self.squares + other.squares, df=self.df + other.df)

    def __sub__(self, other: Spread) -> Spread:
        squares = max(0.0, self.squares - other.squares)
        return Spread(squares=squares, df=self.df - other.df)


def hampel_mask(rows: Floats) -> Mask:
    """Which of `rows` (logarithms, shape m x n) lie within 3.5 robust deviations of their median.

    Below five values all do: the median absolute deviation of four says nothing.
    For baselines only; a candidate is never cleaned.  Source: Hampel 1974; VERDICT.md.
    """
    count = rows.shape[1]
    if count < FEWEST_TO_CLEAN:
        return np.ones(rows.shape, dtype=np.bool_)
    distance = np.abs(rows - np.median(rows, axis=1, keepdims=True))
    correction = _FEW.get(count, count / (count - 0.8))
    deviation = 1.4826 * correction * np.median(distance, axis=1, keepdims=True)
    kept: Mask = distance <= 3.5 * deviation
    return kept


def hampel_kept(values: Floats) -> Floats:
    """`values` (logarithms, shape n) without those that `hampel_mask` refuses."""
    kept: Floats = values[hampel_mask(values[None, :])[0]]
    return kept


def spread_of(history: Sequence[float]) -> Spread:
    """The spread of one history: positive values of one step, direction and metric."""
    logs = hampel_kept(np.log(np.asarray(history, dtype=np.float64)))
    if len(logs) == 0:
        return Spread(squares=0.0, df=0)
    return Spread(squares=float(((logs - logs.mean()) ** 2).sum()), df=len(logs) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpread:
    """What calibrations of the lab say of a figure's kind; `source` names when and how many."""

    spread: Spread
    source: str


def choose_prior(metric: str, own_runs: int, others: Spread, lab: LabSpread | None = None) -> Prior:
    """What is known of a metric's run-to-run spread besides its own history.

    First choice: the spread of the lab's other histories of the same metric (the own one
    would count twice), from 8 degrees of freedom on and set 15 % too high: erring high costs
    power, erring low costs trust (VERDICT.md, sensitivity to the prior).  Then what a calibration
    measured, by the same rule.  Else, once the own history has 8 degrees of freedom, nothing but
    itself.  Else a default that is wide on purpose.
    """
    if others.df >= FEWEST_POOLED_DF:
        source = f"this lab's other baselines ({others.df} degrees of freedom)"
        return _measured(others, source)
    if lab is not None and lab.spread.df >= FEWEST_POOLED_DF:
        return lab_prior(lab)
    if own_runs > FEWEST_POOLED_DF:
        return Prior(sigma=0.0, df=0.0, source="these runs alone")
    sigma = DEFAULT_TAIL_SIGMA if metric.startswith("clat_p") else DEFAULT_SIGMA
    return Prior(
        sigma=sigma,
        df=PRIOR_DF,
        source=f"a default of {sigma * 100:.0f} %, until this lab has more runs or a calibration",
    )


def lab_prior(lab: LabSpread) -> Prior:
    """What a calibration's spread is worth as a prior: 15 % more, and 1 % at least."""
    found = _measured(lab.spread, lab.source)
    return replace(found, sigma=max(found.sigma, LEAST_SIGMA))


def _measured(spread: Spread, source: str) -> Prior:
    return Prior(sigma=CAUTION * (spread.squares / spread.df) ** 0.5, df=PRIOR_DF, source=source)
