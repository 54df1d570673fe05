"""Runs of unchanged and of slower builds, in the three families of VERDICT.md."""

from dataclasses import dataclass

import numpy as np

from storperf.stats.confirm import Cases, decide


@dataclass(frozen=True, kw_only=True)
class Family:
    """Standard deviations of logarithms; shares and depths of runs that something hit."""

    session: float
    run: float
    outliers: tuple[float, float, float]
    neighbours: tuple[float, float, float]
    total: float


FAMILIES = {
    "quiet": Family(
        session=0.004,
        run=0.009,
        outliers=(0.005, 0.1, 0.3),
        neighbours=(0.0, 0.0, 0.0),
        total=0.0099,
    ),
    "typical": Family(
        session=0.012,
        run=0.0195,
        outliers=(0.02, 0.1, 0.4),
        neighbours=(0.03, 0.05, 0.2),
        total=0.024,
    ),
    "noisy": Family(
        session=0.03,
        run=0.049,
        outliers=(0.04, 0.1, 0.5),
        neighbours=(0.08, 0.05, 0.3),
        total=0.061,
    ),
}


def trials(rng, family, count, runs, *, loss=0.0, repeats=False, prior=1.15):  # noqa: PLR0913
    """`count` cases of one family: each with its own noise, all candidates in one session."""
    scale = np.exp(rng.normal(0, 0.35, (count, 1)))
    sessions = rng.normal(size=(count, runs + 1)) * family.session * scale
    baseline = _runs(rng, family, scale, runs) + sessions[:, :runs]
    candidates = _runs(rng, family, scale, 9) + sessions[:, runs:] + np.log1p(-loss)
    references = _runs(rng, family, scale, 9) + sessions[:, runs:]
    return Cases(
        candidate=candidates[:, 0],
        candidates=np.ones(count, dtype=np.int64),
        baseline=baseline,
        pairs=np.zeros((count, 0)) if repeats else (candidates - references)[:, 1:],
        repeats=candidates[:, 1:] if repeats else np.zeros((count, 0)),
        prior_sigma=np.full(count, prior * family.total),
        prior_df=np.full(count, 4.0),
    )


def outcomes(seed, count, runs, **changes):
    """What the trials of each family come to."""
    rng = np.random.default_rng(seed)
    return {
        name: decide(trials(rng, family, count, runs, **changes))
        for name, family in FAMILIES.items()
    }


def _runs(rng, family, scale, runs):
    values = rng.normal(size=(len(scale), runs)) * family.run * scale
    for share, low, high in (family.outliers, family.neighbours):
        depth = np.log1p(-rng.uniform(low, high, values.shape))
        values += np.where(rng.random(values.shape) < share, depth, 0.0)
    return values
