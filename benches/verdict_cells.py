"""Runs of many cells: how often one whose cells are all unchanged is called anything else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from verdict_trials import Family, Generator, World, cases, trials

from storperf.stats.confirm import ALONE_ALPHAS, Call, decide
from storperf.stats.estimates import from_baseline
from storperf.stats.multiple import held_to
from storperf.stats.screen import MARGIN, OTHERS_ALPHA, PRIMARY_ALPHA, RUN_ALPHA, sidak
from storperf.stats.table import Floats

CELLS = 500
# Of a tail's noise; as between the figures of VERDICT.md's real runs.
_TAIL_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Of so many runs: suspicious ones, by which figures; and fails when all is put to pairs.

    `alone` is what each cell for itself would come to: suspicious, and a fail.
    """

    runs: int
    primary: int
    others: int
    either: int
    fails: int
    alone: tuple[int, int]


def watch_cells(rng: Generator, family: Family, runs: int, lost: tuple[int, float]) -> Alarms:
    """Runs of 500 cells of a host that only scatters; of `lost[0]` cells IOPS fell by `lost[1]`.

    `fails` then counts runs in which one of the lost cells was found.
    """
    quiet = replace(family, hits=())
    told = np.zeros((runs, 6), dtype=np.int64)
    for row in told:
        made = trials(rng, quiet, CELLS, World())
        made.candidates[: lost[0]] += np.log1p(-lost[1])
        shown = cases(quiet, made, World())
        tails = -0.5 * made.baseline + 0.75**0.5 * rng.normal(0, family.total, made.baseline.shape)
        primary = _p(made.candidates[:, 0], made.baseline, family.total)
        fresh = -0.5 * made.candidates[:, 0] + 0.75**0.5 * rng.normal(0, family.total, CELLS)
        others = _p(_TAIL_FACTOR * fresh, _TAIL_FACTOR * tails, _TAIL_FACTOR * family.total)
        levels = np.array(held_to(others.tolist(), OTHERS_ALPHA))
        alone = decide(replace(shown, candidates=np.zeros(CELLS, dtype=np.int64)))
        shared = decide(
            replace(shown, candidates=np.zeros(CELLS, dtype=np.int64), level_share=1 / CELLS)
        )
        among = slice(0, lost[0] or CELLS)
        row[:2] = (primary <= sidak(PRIMARY_ALPHA, CELLS)).any(), (others <= levels).any()
        row[2] = row[:2].any()
        row[3] = (shared.call[among] == Call.WORSE).any()
        row[4:] = (primary <= RUN_ALPHA).any(), (alone.call[among] == Call.WORSE).any()
    primary, others, either, fails, suspicious, failed = told.sum(axis=0).tolist()
    return Alarms(
        runs=runs,
        primary=primary,
        others=others,
        either=either,
        fails=fails,
        alone=(suspicious, failed),
    )


def promised() -> float:
    """The share of unchanged runs that pairs of all their cells may call a fail, in percent."""
    return 100 * sum(ALONE_ALPHAS)


def _p(values: Floats, baseline: Floats, sigma: float) -> Floats:
    """One-sided p-values; 1 within the margin."""
    count = len(values)
    found = from_baseline(values, baseline, np.full(count, 1.15 * sigma), np.full(count, 4.0))
    return np.where(found.shift < np.log1p(-MARGIN), found.p_worse(), 1.0)
