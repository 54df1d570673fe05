"""How often each rule raises an alarm when nothing has changed: A/A tests on seeded data.

The rates of larger runs of the same simulations stand in docs/explanation/verdict.md and
docs/explanation/steady-state.md.
"""

from dataclasses import replace

import numpy as np
import pytest
from unit.stats.builders import ar1, make_step

from storperf.model.job import Workload
from storperf.model.verdict import Reason
from storperf.stats.batch import batch_interval
from storperf.stats.comparison import Baseline, judge_against_baselines
from storperf.stats.drift import drift
from storperf.stats.repeats import RunValue
from storperf.stats.warmup import mser5_cut

METRICS = {"iops": 1.0, "clat_p99": 2.0}


def steps(cells):
    workload = Workload(name="rr", options=(("rw", "randread"),))
    return [(make_step(workload, key=f"s{cell}"), "candidate") for cell in range(cells)]


def unchanged_run(rng, cells, runs, sigma):
    """Values and baselines of a run of an unchanged build.

    Cells differ in noise (factor exp(N(0, 0.35)), as between real steps); p99 is twice as noisy
    as IOPS and moves against it.  `runs` None gives each cell 1 to 30 runs.
    """
    values, known = {}, {}
    for cell in range(cells):
        n = runs or int(rng.integers(1, 31))
        noise = rng.normal(size=(2, n + 1))
        noise[1] = -0.5 * noise[0] + 0.75**0.5 * noise[1]
        noise *= sigma * np.exp(rng.normal(0, 0.35))
        for row, (metric, factor) in zip(noise, METRICS.items(), strict=True):
            place = (f"s{cell}", "candidate", "read", metric)
            *earlier, now = np.exp(factor * row) * 1000
            values[place] = RunValue(value=now, low=None, high=None, trials=1)
            known[place] = Baseline(values=tuple(earlier), runs=tuple(map(str, range(n))))
    return values, known


def is_suspicious(values, known, usable):
    checks = judge_against_baselines(usable, values, known)
    return any(check.reason is Reason.SUSPICIOUS for check in checks)


def suspicious_share(cells, runs, *, sigma=0.06, repetitions):
    rng = np.random.default_rng([cells, runs or 0])
    usable = steps(cells)
    hits = sum(
        is_suspicious(*unchanged_run(rng, cells, runs, sigma), usable) for _ in range(repetitions)
    )
    return hits / repetitions


@pytest.mark.parametrize("runs", [1, 3, 5, 10, 30, None])
@pytest.mark.parametrize(("cells", "repetitions"), [(1, 300), (8, 60), (50, 12)])
def test_unchanged_run_is_suspicious_in_at_most_a_fifth_however_many_steps(
    cells, repetitions, runs
):
    share = suspicious_share(cells, runs, repetitions=repetitions)
    # Three standard errors above the stated 20 %.
    assert share <= 0.2 + 3 * (0.16 / repetitions) ** 0.5


@pytest.mark.parametrize("runs", [1, 3, 5, 10, 30])
def test_unchanged_run_is_hardly_ever_called_a_regression_by_fresh_trials(runs):
    # The session's effect is shared by the screened and the fresh trials: the hard case.
    rng, hits, repetitions = np.random.default_rng([7, runs]), 0, 400
    usable = steps(1)
    for _ in range(repetitions):
        values, known = unchanged_run(rng, 1, runs, 0.024)
        fresh = {
            place: replace(found, value=found.value * np.exp(rng.normal(0, 0.012)), trials=2)
            for place, found in values.items()
        }
        checks = judge_against_baselines(usable, values, known, fresh=fresh)
        hits += any(check.reason is Reason.REGRESSION for check in checks)
    # 1 % a figure, two figures, three standard errors.
    assert hits / repetitions <= 0.02 + 3 * (0.02 / repetitions) ** 0.5


def test_unknown_noisy_host_is_not_called_suspicious_for_its_noise():
    for runs in (1, 3, 5):
        assert suspicious_share(1, runs, sigma=0.28, repetitions=300) <= 0.2 + 0.07


def test_loss_larger_than_the_smallest_visible_is_found_among_many_steps():
    rng = np.random.default_rng(9)
    usable, found = steps(8), 0
    for _ in range(40):
        values, known = unchanged_run(rng, 8, 10, 0.02)
        place = ("s3", "candidate", "read", "iops")
        lost = values[place].value * 0.8
        values[place] = RunValue(value=lost, low=None, high=None, trials=1)
        found += is_suspicious(values, known, usable)
    assert found >= 0.8 * 40


def test_steady_trials_are_rarely_called_unsteady():
    rng = np.random.default_rng(12)
    for count in (30, 60, 120):
        for sigma, phi in ((0.03, 0.5), (0.05, 0.7), (0.10, 0.8)):
            alarms = 0
            for _ in range(100):
                values = ar1(rng, count, sigma=sigma, phi=phi)
                cut = mser5_cut(values)
                trend = drift(values[cut.values :])
                drifts = trend is not None and trend.is_beyond_limit
                alarms += cut.is_more_than_half or drifts
            assert alarms <= 10, (count, sigma, phi)


@pytest.mark.parametrize(
    ("phi", "count", "least"), [(0.0, 60, 0.91), (0.5, 60, 0.85), (0.8, 300, 0.85)]
)
def test_batch_interval_holds_the_true_mean_about_as_often_as_it_says(phi, count, least):
    rng = np.random.default_rng(13)
    held = 0
    for _ in range(300):
        found = batch_interval(ar1(rng, count, phi=phi))
        held += abs(found.mean - 1000.0) <= found.half_width
    assert held / 300 >= least


@pytest.mark.parametrize(
    ("phi", "count", "least"), [(0.0, 60, 0.91), (0.5, 60, 0.82), (0.8, 300, 0.82)]
)
def test_drift_interval_holds_no_drift_about_as_often_as_it_says(phi, count, least):
    rng = np.random.default_rng(14)
    held = 0
    for _ in range(300):
        found = drift(ar1(rng, count, phi=phi))
        held += found.low <= 0 <= found.high
    assert held / 300 >= least
