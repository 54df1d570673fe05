"""Simulated runs of hosts whose noise is known: quiet, typical and noisy ones.

A value is a baseline's or a candidate's run: what its session adds, what the run adds, what
60 seconds of autocorrelated figures leave in their mean, and now and then something that hit it.
Baseline runs have a session each, all fresh trials of a case share one.  From VERDICT.md's
description, not from its code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from storperf.stats.confirm import Cases
from storperf.stats.drift import drift
from storperf.stats.prior import PRIOR_DF, UNSTATED
from storperf.stats.table import Floats
from storperf.stats.warmup import mser5_cut

Generator = np.random.Generator
FRESH = 8
_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Standard deviations of logarithms; `hits` are (share of runs, least and most loss)."""

    name: str
    session: float
    run: float
    second: float
    second_phi: float
    hits: Sequence[tuple[float, float, float]]
    total: float

    @property
    def mean_of_seconds(self) -> float:
        """What the seconds leave in the mean of a run."""
        alike = (1 + self.second_phi) / (1 - self.second_phi)
        return float(self.second * (alike / _SECONDS) ** 0.5)


FAMILIES = (
    Family(
        name="quiet",
        session=0.004,
        run=0.006,
        second=0.03,
        second_phi=0.5,
        hits=((0.005, 0.10, 0.30),),
        total=0.0099,
    ),
    Family(
        name="typical",
        session=0.012,
        run=0.012,
        second=0.05,
        second_phi=0.7,
        hits=((0.02, 0.10, 0.40), (0.03, 0.05, 0.20)),
        total=0.024,
    ),
    Family(
        name="noisy",
        session=0.03,
        run=0.03,
        second=0.10,
        second_phi=0.8,
        hits=((0.04, 0.10, 0.50), (0.08, 0.05, 0.30)),
        total=0.061,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a simulation is like; `prior` times a family's spread is what the verdict is told.

    `between_phi` is the AR(1) between sessions, `tail_df` Student's t in the place of a normal.
    """

    runs: int = 10
    loss: float = 0.0
    between_phi: float = 0.0
    tail_df: float | None = None
    prior: float | None = 1.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Logarithms of `count` cases: baselines (count x runs), and what is measured now."""

    baseline: Floats
    candidates: Floats
    references: Floats
    scale: Floats


def trials(rng: Generator, family: Family, count: int, world: World) -> Trials:
    """Cases of one family, each with its own noise (a factor of exp(N(0, 0.35)))."""
    scale = np.exp(rng.normal(0, 0.35, (count, 1)))
    # Where neighbours are alike, all that makes runs differ is carried on from one to the next.
    size = family.total if world.between_phi else family.session
    sessions = size * scale * _sessions(rng, (count, world.runs + 1), world.between_phi)
    now = sessions[:, world.runs :]
    baseline = _values(rng, family, scale * np.ones(world.runs), world)
    fresh = scale * np.ones(FRESH + 1)
    candidates = _values(rng, family, fresh, world) + np.log1p(-world.loss)
    return Trials(
        baseline=baseline + sessions[:, : world.runs],
        candidates=candidates + now,
        references=_values(rng, family, fresh, world) + now,
        scale=scale,
    )


def cases(family: Family, made: Trials, world: World, *, repeats: bool = False) -> Cases:
    """The trials as the verdict takes them: pairs, or repeats of the candidate alone."""
    count = len(made.baseline)
    none = np.zeros((count, 0))
    pairs = (made.candidates - made.references)[:, 1:]
    stated = world.prior is not None
    sigma = (world.prior or 0.0) * family.total if stated else UNSTATED.sigma
    return Cases(
        candidate=made.candidates[:, 0],
        candidates=np.ones(count, dtype=np.int64),
        baseline=made.baseline,
        pairs=none if repeats else pairs,
        repeats=made.candidates[:, 1:] if repeats else none,
        prior_sigma=np.full(count, sigma),
        prior_df=np.full(count, PRIOR_DF if stated else UNSTATED.df),
    )


def seconds(
    rng: Generator, family: Family, means: Floats, scale: Floats, length: int = _SECONDS
) -> Floats:
    """The seconds of runs whose mean is exp(`means`) (shape m x n); shape m x n x `length`."""
    shape = (*means.shape, length)
    noise = rng.normal(size=shape)
    fresh = (1 - family.second_phi**2) ** 0.5
    for number in range(1, length):
        noise[..., number] *= fresh
        noise[..., number] += family.second_phi * noise[..., number - 1]
    noise -= noise.mean(axis=-1, keepdims=True)
    found: Floats = np.exp(means[..., None]) * (1 + family.second * scale[..., None] * noise)
    return found


def refused_trials(rng: Generator, family: Family, count: int, length: int) -> int:
    """How many of `count` steady trials of so many seconds the gate of a run would refuse."""
    flat = np.zeros((count, 1))
    refused = 0
    for values in seconds(rng, family, flat, np.ones((count, 1)), length)[:, 0]:
        cut = mser5_cut(values)
        fitted = None if cut is None else drift(values[cut.values :])
        drifts = fitted is not None and fitted.is_beyond_limit
        refused += drifts or (cut is not None and cut.is_more_than_half)
    return refused


def _values(rng: Generator, family: Family, scale: Floats, world: World) -> Floats:
    """Runs without their sessions; `scale` has the shape that is wanted."""
    sigma = float(np.hypot(family.run, family.mean_of_seconds))
    if world.tail_df is None:
        noise = rng.normal(size=scale.shape)
    else:
        noise = rng.standard_t(world.tail_df, scale.shape)
        noise /= (world.tail_df / (world.tail_df - 2)) ** 0.5
    values: Floats = sigma * scale * noise
    for share, least, most in family.hits:
        depth = np.log1p(-rng.uniform(least, most, scale.shape))
        values = values + np.where(rng.random(scale.shape) < share, depth, 0.0)
    return values


def _sessions(rng: Generator, shape: tuple[int, int], phi: float) -> Floats:
    """Standard normal, neighbours alike by `phi` (AR(1))."""
    noise = rng.normal(size=shape)
    for number in range(1, shape[1] if phi else 0):
        noise[:, number] *= (1 - phi**2) ** 0.5
        noise[:, number] += phi * noise[:, number - 1]
    return noise
