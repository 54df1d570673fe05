"""The largest source of an undecided figure's noise, by what the figures show."""

import math

import numpy as np
import pytest
from unit.stats.builders import make_step, make_summary
from unit.stats.test_verdict import NIGHTS, World

from storperf.model.verdict import Reason
from storperf.stats.noise import noise_source

PLACE = ("rr", "candidate")


def suspicious(values, *, hosts=None, agents=()):
    """The sentence of a run that is far below these earlier ones."""
    world = World([make_step(key="rr", agents=max(1, len(agents)))]).with_history(*values)
    world.summaries[0] = make_summary("rr-1", "iops", 300.0, half=20.0)
    for number, value in enumerate(agents, start=1):
        world.summaries.append(make_summary("rr-1", "iops", value, agent=f"agent-{number:02}"))
    world.hosts = {PLACE: hosts or {}}
    verdict = world.judge()
    assert verdict.reason is Reason.SUSPICIOUS, verdict.sentence
    return verdict.sentence


def test_cpu_pressure_that_goes_with_the_figure_is_named_with_its_share():
    rng = np.random.default_rng(1)
    pressure = rng.uniform(0, 0.2, 12)
    values = [1000 * math.exp(-0.8 * each) for each in pressure]
    hosts = {f"run-{n}": {"cpu_pressure": float(each)} for n, each in enumerate(pressure)}
    said = suspicious(values, hosts=hosts)
    assert "CPU pressure on the hosts, which explains 100 % of the variance of 12" in said


def test_outlier_run_is_named():
    said = suspicious([*NIGHTS[:5], 700.0, *NIGHTS[5:]])
    assert "one outlier run (run-5), left out, with" in said


def test_drift_of_the_baseline_is_named():
    said = suspicious([1000 * 1.01**n for n in range(12)])
    assert "a drift from run to run, which explains 100 % of that of the 12 baseline runs" in said


def test_one_agent_that_makes_the_loss_is_named():
    said = suspicious(NIGHTS, agents=(240.0, 240.0, 240.0, 20.0))
    assert "agent-04 with 20, where the middle of the others is 240: 31 % of the loss" in said


def test_noise_without_a_source_is_said_to_have_none():
    assert "No single source of the noise stands out." in suspicious(NIGHTS)


def test_of_few_runs_nothing_is_said():
    assert "source" not in suspicious(NIGHTS[:3])


@pytest.mark.parametrize("figure", ["cpu_pressure", "cpu_steal"])
def test_pressure_that_has_nothing_to_do_with_the_figure_is_seldom_blamed(figure):
    rng = np.random.default_rng(20261122)
    blamed = 0
    for _ in range(200):
        world = World().with_history(*(1000 * np.exp(rng.normal(0, 0.02, 10))))
        check = world.judge().checks[0]
        loads = {f"run-{n}": {figure: float(each)} for n, each in enumerate(rng.uniform(0, 1, 10))}
        said = noise_source(check, {PLACE: loads}, {})
        blamed += "on the hosts" in said
    # By chance a line explains a quarter of the variance of ten runs that often.
    assert blamed / 200 < 0.12
