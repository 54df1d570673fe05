"""Where the warm-up ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storperf.stats.table import Floats

BATCH = 5
FEWEST_BATCHES = 5
CLEARLY_BETTER = 1 / 3
MATTERS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How many values to leave out at the start, and whether that is too much to trust."""

    values: int
    is_more_than_half: bool


def mser5_cut(values: Floats) -> Cut | None:
    """The MSER-5 cut of an evenly spaced series (shape n); None below 25 values.

    Means of five values each; the cut of d batches that makes the squared standard error
    of the mean of the rest, sum((y - mean)^2) / (k - d)^2, smallest.  Source: White 1997,
    Spratt 1998.  As Hoad, Robinson and Davies (2010) advise, the last five batches may not
    be all that is left: two equal neighbours would look like a perfect rest.

    The textbook refuses a series whose best cut lies beyond half.  On 60 steady values that
    happens to 8 to 12 of 100 series by chance: a job of ten steps would be refused more often
    than not.  Here the late cut must be clearly better: its error less than a third of that
    of the best cut in the first half; and it must move the mean by more than 2 % against
    cutting at half, and the median against all before: dips that come back every minute are
    no warm-up, though no rest is as even as the time after the last one.
    Then 0 to 1.3 of 100 steady series are refused (AR(1) of 0.5 to 0.8,
    standard deviation 3 to 10 %).  Half of the series is then left out.

    `is_more_than_half` False does not mean steady: a slow drift has no corner to cut at,
    and below 55 values the five batches that stay are half of the series.  The drift of the
    kept part is the second net.
    """
    count = len(values) // BATCH
    if count < FEWEST_BATCHES:
        return None
    error = _squared_errors(values[: count * BATCH].reshape(count, BATCH).mean(axis=1))
    half = count // 2
    early, late = error[: half + 1], error[half + 1 :]
    if len(late) and late.min() < CLEARLY_BETTER * early.min():
        later = (half + 1 + int(np.argmin(late))) * BATCH
        mean = float(values[half * BATCH :].mean())
        moved = abs(float(values[later:].mean()) - mean)
        # What comes back again and again moves a mean, and hardly a median.
        usual = float(np.median(values[:later]))
        moved = min(moved, abs(float(np.median(values[later:])) - usual))
        if moved > MATTERS * mean:
            return Cut(values=half * BATCH, is_more_than_half=True)
    return Cut(values=int(np.argmin(early)) * BATCH, is_more_than_half=False)


def _squared_errors(means: Floats) -> Floats:
    """MSER for each cut of d = 0, 1, ... of k means, at least five of them staying."""
    left = len(means) - np.arange(len(means) - FEWEST_BATCHES + 1)
    # Suffix sums of centred values: well conditioned for large means with a small spread.
    centred = means - means.mean()
    sums = np.cumsum(centred[::-1])[::-1][: len(left)]
    squares = np.cumsum(centred[::-1] ** 2)[::-1][: len(left)]
    errors: Floats = np.maximum(squares - sums**2 / left, 0.0) / left**2
    return errors
