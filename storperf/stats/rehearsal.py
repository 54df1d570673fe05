"""How often nightly runs of an unchanged build would raise an alarm, by the verdict's own rules.

The nights are made of the residuals that a calibration measured, so that figures which move
together in the lab move together here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from storperf.model.calibration import Rate, Rehearsal
from storperf.model.ending import LOOKS, RERUNS, ConfirmWhen
from storperf.model.job import CANDIDATE, Job, Step
from storperf.model.verdict import Check, Reason
from storperf.stats.comparison import Baseline, judge_against_baselines
from storperf.stats.estimates import PAIR_SHARE
from storperf.stats.paired import judge_pairs
from storperf.stats.prior import LabSpread, hampel_mask
from storperf.stats.repeats import Place, RunValue
from storperf.stats.table import Floats, Mask

MOST_NIGHTS = 2000
# A screen with its sentence takes 0.1 ms: so many are a few seconds.
_MOST_SCREENS = 20_000
_FEWEST_NIGHTS = 100
_FEWEST_WHOLE_RUNS = 4
# Shared by the runs of one session: what a pair does not show of a run's variance.
_SESSION_SHARE = (1 - PAIR_SHARE**2) ** 0.5
# How much is added to a resampled residual, of its own spread; the sum is shrunk back to it.
_SMOOTHING = 0.5
# The middle of every figure; only changes are judged.
_LEVEL = 1e6
_UNDECIDED = Reason.SUSPICIOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Residuals:
    """Logarithms of a calibration around the middle of each figure.

    `whole` has shape runs x figures and holds the runs that measured all of them; `is_hit` (shape
    runs) says of which some figure lies far off by Hampel's rule; `sigma` (shape
    figures) is the spread of each, `df` the degrees of freedom behind one.
    """

    places: tuple[Place, ...]
    whole: Floats
    is_hit: Mask
    sigma: Floats
    df: Floats


def residuals(values: Mapping[Place, Sequence[float | None]]) -> Residuals | None:
    """The residuals of a calibration; None unless each figure has two values."""
    logs = {
        place: np.log(np.array([np.nan if each is None else each for each in found]))
        for place, found in values.items()
    }
    logs = {place: found for place, found in logs.items() if np.isfinite(found).sum() > 1}
    if not logs:
        return None
    table = np.array(list(logs.values())).T
    centred = table - np.nanmean(table, axis=0)
    known = np.isfinite(table).sum(axis=0)
    whole = centred[np.isfinite(centred).all(axis=1)]
    is_hit = np.asarray(np.any(~hampel_mask(whole.T), axis=0), dtype=np.bool_)
    # Residuals are smaller than errors: the mean was made of them.
    whole = whole * (len(whole) / max(1, len(whole) - 1)) ** 0.5
    return Residuals(
        places=tuple(logs),
        whole=whole,
        is_hit=is_hit,
        sigma=np.nanstd(table, axis=0, ddof=1),
        df=known - 1.0,
    )


def rehearse(
    job: Job,
    steps: Sequence[Step],
    found: Residuals,
    lab: Mapping[Place, LabSpread],
    *,
    seed: int,
) -> Rehearsal:
    """Nights of an unchanged build, judged as `judge_run` judges them.

    Each night has a baseline of its own, as long as the job's, and a lab of its own: how much it
    scatters is drawn too, from what so few runs leave open.  Runs scatter independently from night
    to night, and what a night's fresh trials share with its run is what VERDICT.md found.
    Assumes that the calibration saw what nights see; a neighbour who comes once a month it did not.
    """
    rng = np.random.default_rng(seed)
    nights = max(_FEWEST_NIGHTS, min(MOST_NIGHTS, _MOST_SCREENS // len(found.places)))
    runs = min(job.baseline_runs, 30)
    measured = {place[0] for place in found.places}
    usable = [(step, CANDIDATE) for step in steps if step.key in measured]
    world = _World(job=job, usable=usable, found=found, lab=lab, runs=runs)
    seen = [_night(world, rng) for _ in range(nights)]
    return Rehearsal(
        baseline_runs=runs,
        suspicious=rate(sum(was for was, _ in seen), nights),
        undecided=rate(sum(end is _UNDECIDED for _, end in seen), nights),
        failed=rate(sum(end is Reason.REGRESSION for _, end in seen), nights),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What all nights have in common."""

    job: Job
    usable: Sequence[tuple[Step, str]]
    found: Residuals
    lab: Mapping[Place, LabSpread]
    runs: int


def _night(world: _World, rng: np.random.Generator) -> tuple[bool, Reason]:
    """Whether the screen was suspicious, and what the night came to."""
    job, usable, found, lab = world.job, world.usable, world.found, world.lab
    scale = np.sqrt(found.df / rng.chisquare(found.df))
    history = _LEVEL * np.exp(_draw(found, world.runs, rng) * scale)
    known = {
        place: Baseline(values=tuple(history[:, number]), runs=())
        for number, place in enumerate(found.places)
    }
    session = _SESSION_SHARE * _draw(found, 1, rng)[0]
    values = _values(found, scale * (session + PAIR_SHARE * _draw(found, 1, rng)[0]))
    screened = list(judge_against_baselines(usable, values, known, lab=lab))
    suspected = {_place(check) for check in screened if check.reason is Reason.SUSPICIOUS}
    if not suspected:
        return False, Reason.NOT_WORSE
    if job.confirmation.when is ConfirmWhen.NEVER:
        return True, _UNDECIDED
    undecided = [step for step, _ in usable if any(step.key == place[0] for place in suspected)]
    if job.has_reference:
        checks = list(judge_pairs(undecided, _pairs(found, scale, rng), known, suspected, lab))
    else:
        fresh = np.mean(_draw(found, RERUNS, rng), axis=0)
        again = _values(found, scale * (session + PAIR_SHARE * fresh))
        keys = {step.key for step in undecided}
        again = {place: value for place, value in again.items() if place[0] in keys}
        checks = list(judge_against_baselines(usable, values, known, fresh=again, lab=lab))
    return True, _end(checks)


def _pairs(
    found: Residuals, scale: Floats, rng: np.random.Generator
) -> dict[Place, list[tuple[float, float]]]:
    """As many pairs of a session as there can be, of every figure."""
    both = _LEVEL * np.exp(scale * PAIR_SHARE * _draw(found, 2 * LOOKS[-1], rng))
    return {
        place: [(float(row[0]), float(row[1])) for row in both[:, number].reshape(-1, 2)]
        for number, place in enumerate(found.places)
    }


def _end(checks: Sequence[Check]) -> Reason:
    reasons = {check.reason for check in checks}
    if Reason.REGRESSION in reasons:
        return Reason.REGRESSION
    return _UNDECIDED if {Reason.SUSPICIOUS, Reason.TOO_FEW} & reasons else Reason.NOT_WORSE


def _draw(found: Residuals, runs: int, rng: np.random.Generator) -> Floats:
    """Errors of so many runs (shape runs x figures), with the calibration's spreads."""
    noise = rng.standard_normal((runs, len(found.places))) * found.sigma
    if len(found.whole) < _FEWEST_WHOLE_RUNS:
        return np.asarray(noise, dtype=np.float64)
    picked = rng.integers(len(found.whole), size=runs)
    # Few runs lean to one side by chance: with it the rate of suspicions differs by 4.9 points
    # between calibrations of ten runs, else by 3.5.  A run that was hit keeps its side.
    signs = np.where(found.is_hit[picked], 1, rng.choice((-1, 1), size=runs))
    rows = found.whole[picked] * signs[:, None]
    drawn: Floats = (rows + _SMOOTHING * noise) / (1 + _SMOOTHING**2) ** 0.5
    return drawn


def _values(found: Residuals, errors: Floats) -> dict[Place, RunValue]:
    return {
        place: RunValue(value=float(value), low=None, high=None, trials=1)
        for place, value in zip(found.places, _LEVEL * np.exp(errors), strict=True)
    }


def _place(check: Check) -> Place:
    return (check.step, check.side, check.op or "", check.metric or "")


def rate(count: int, nights: int) -> Rate:
    """So many of so many nights, with the exact (Clopper-Pearson) 95 % interval of the share."""
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import betaincinv

    low = 0.0 if count == 0 else float(betaincinv(count, nights - count + 1, 0.025))
    high = 1.0 if count == nights else float(betaincinv(count + 1, nights - count, 0.975))
    return Rate(count=count, nights=nights, low=low, high=high)
