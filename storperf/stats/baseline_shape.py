"""What is odd about a baseline: words for people, and no proof from such a one."""

from __future__ import annotations

import numpy as np

from storperf.stats.prior import hampel_mask
from storperf.stats.student import t_quantiles
from storperf.stats.table import Floats, Mask

ONE_RUN = "one_run"
OUTLIER = "outlier_left_out"
DRIFT = "drift"
TWO_MODES = "two_modes"

NOTES = {
    ONE_RUN: "The baseline is a single run.",
    OUTLIER: "A baseline run far from the others was left out.",
    DRIFT: "The baseline itself goes up or down from run to run.",
    TWO_MODES: "The baseline has two levels.",
}
# Around two centres, or around a line, the spread proves nothing.
UNFIT_FOR_PROOF = frozenset((DRIFT, TWO_MODES))

_FEWEST = 8
# The best split of values around one centre explains so much of their variance in 1.4 of 100
# cases of eight runs, 0.4 of ten and none of thirty.
_SPLIT_EXPLAINS = 0.92
_DRIFT_LEVEL = 0.9995
# Neither a slope nor a gap below the margin of the verdict is worth a word.
_MATTERS = 0.02


def baseline_words(baseline: Floats) -> list[tuple[str, ...]]:
    """For each baseline (logarithms, shape m x n, oldest first) what is odd about it.

    An outlier is told because it was left out, a drift or two modes because the spread around
    one centre is then no spread of equals: a pass is right as far as it goes, a proof is not.
    No word does not mean that the runs are alike: below eight runs only outliers are told.
    """
    rows, runs = baseline.shape
    kept = hampel_mask(baseline)
    outliers: Mask = ~np.all(kept, axis=1)
    found: dict[str, Mask] = {ONE_RUN: np.full(rows, runs == 1), OUTLIER: outliers}
    if runs >= _FEWEST:
        # A mean of the rest in the place of an outlier: it can make neither drift nor mode.
        mean = np.where(kept, baseline, 0.0).sum(axis=1) / kept.sum(axis=1)
        filled = np.where(kept, baseline, mean[:, None])
        found[DRIFT] = _has_drift(filled)
        found[TWO_MODES] = _has_two_modes(filled) & ~found[DRIFT]
    return [
        tuple(word for word, rows_with in found.items() if rows_with[row]) for row in range(rows)
    ]


def _has_drift(rows: Floats) -> Mask:
    """Whether a line explains the rows beyond chance, and moves by 2 % from first to last."""
    runs = rows.shape[1]
    x = np.arange(runs) - (runs - 1) / 2
    slope = rows @ x / (x @ x)
    residual = rows - rows.mean(axis=1, keepdims=True) - slope[:, None] * x
    error = np.sqrt((residual**2).sum(axis=1) / (runs - 2) / (x @ x))
    limit = t_quantiles(_DRIFT_LEVEL, np.array([runs - 2.0]))
    found: Mask = (np.abs(slope) > limit * error) & (np.abs(slope) * (runs - 1) > _MATTERS)
    return found


def _has_two_modes(rows: Floats) -> Mask:
    """Whether two groups, each of a quarter of the runs at least, explain nearly all variance."""
    ordered = np.sort(rows, axis=1)
    runs = rows.shape[1]
    total = ((ordered - ordered.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    found = np.zeros(len(rows), dtype=np.bool_)
    for low in range(max(2, runs // 4), runs - max(2, runs // 4) + 1):
        gap = ordered[:, low:].mean(axis=1) - ordered[:, :low].mean(axis=1)
        between = gap**2 * low * (runs - low) / runs
        found |= (between > _SPLIT_EXPLAINS * total) & (gap > _MATTERS)
    return found
