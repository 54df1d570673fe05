"""Whether a trial that still runs knows its mean."""

from __future__ import annotations

import numpy as np
import pytest
from unit.stats.builders import ar1

from storperf.stats.batch import batch_interval
from storperf.stats.confident import half_width_share


def test_it_is_half_the_interval_of_ten_batch_means_over_the_mean():
    values = ar1(np.random.default_rng(1), 100, sigma=0.02)
    whole = batch_interval(values)
    assert half_width_share(values) == pytest.approx(whole.half_width / whole.mean, rel=0.3)
    flat = np.full(60, 7.0)
    assert half_width_share(flat) == pytest.approx(0.0, abs=1e-12)


def test_what_is_too_short_or_did_nothing_is_not_known():
    assert half_width_share(np.ones(24)) is None
    assert half_width_share(np.zeros(60)) is None


def test_what_has_not_settled_in_its_first_half_is_not_known():
    rng = np.random.default_rng(2)
    cliff = np.where(np.arange(100) < 70, 1600.0, 1000.0) * rng.normal(1, 0.01, 100)
    assert half_width_share(cliff) is None
    # With as much again after the cliff as before it, the rest is.
    longer = np.concatenate([cliff, 1000 * rng.normal(1, 0.01, 100)])
    assert half_width_share(longer) < 0.01
