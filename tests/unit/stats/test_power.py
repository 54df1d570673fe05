"""What could have been seen with more runs or pairs."""

import numpy as np
import pytest

from storperf.model.metric import METRICS
from storperf.stats.power import visible_by_pairs, visible_by_runs
from storperf.stats.prior import Prior
from storperf.stats.screen import screen


@pytest.mark.parametrize("metric", ["iops", "clat_p99"])
@pytest.mark.parametrize("runs", [1, 3, 5, 10, 30])
def test_curve_goes_through_what_the_screen_says_of_itself(metric, runs):
    values = np.exp(np.random.default_rng(runs).normal(0, 0.02, runs)).tolist()
    prior = Prior(sigma=0.03, df=4.0, source="a test")
    found = screen(1.0, values, metric=METRICS[metric], prior=prior, alpha=0.1)
    working = found.working
    curve = visible_by_runs(
        working.sigma,
        working.prior_df,
        working.alpha,
        higher_is_better=METRICS[metric].higher_is_better,
    )
    at = {each.count: each.loss for each in curve}
    assert at[sum(working.is_kept)] == pytest.approx(found.smallest_visible)


def test_more_runs_and_more_pairs_see_less():
    by_pairs = visible_by_pairs(0.03, 10.0, higher_is_better=True)
    assert [each.count for each in by_pairs] == [3, 5, 8]
    losses = [each.loss for each in by_pairs]
    assert losses == sorted(losses, reverse=True)
    by_runs = visible_by_runs(0.03, 4.0, 0.15, higher_is_better=True)
    assert by_runs[0].loss > by_runs[3].loss > by_runs[-1].loss


def test_without_a_prior_one_run_knows_no_spread():
    assert visible_by_runs(0.03, 0.0, 0.15, higher_is_better=True)[0].count == 2
