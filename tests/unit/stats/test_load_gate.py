"""The gate on CPU pressure and steal: relative to what the same lab saw on other nights."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from unit.stats.test_verdict import LIMIT, NIGHTS, World

from storperf.model.verdict import CheckKind, Reason
from storperf.stats.loads import far_beyond, loads_of

FIXTURE = Path(__file__).parents[2] / "fixtures" / "proc" / "cpu-pressure.csv"
QUIET = [{"cpu_pressure": share, "cpu_steal": 0.0} for share in (0.01, 0.02, 0.03, 0.02) * 3]


def real(name):
    """Means over real trials, or over pieces of time, of one host, in their order."""
    with FIXTURE.open(encoding="utf-8") as file:
        return np.array(
            [float(row["share"]) for row in csv.DictReader(file) if row["series"] == name]
        )


def is_far(value, before, figure="cpu_pressure"):
    return bool(list(far_beyond({figure: value}, [{figure: each} for each in before])))


SERIES = {
    "all trials": real("trials"),
    "quiet trials": real("trials")[real("trials") < 0.5],
    "very quiet trials": real("trials")[real("trials") < 0.1],
    "minutes": real("minutes"),
    "quarter minutes": real("quarter minutes"),
}


@pytest.mark.parametrize("runs", [8, 10, 15, 30])
@pytest.mark.parametrize("name", list(SERIES))
def test_real_figures_of_unchanged_runs_are_far_beyond_in_one_of_a_hundred_at_most(name, runs):
    rng = np.random.default_rng(20261122)
    drawn = rng.choice(SERIES[name], (2000, runs + 1))
    assert np.mean([is_far(row[-1], row[:-1]) for row in drawn]) <= 0.011


@pytest.mark.parametrize("name", ["trials", "minutes", "quarter minutes"])
def test_in_their_own_order_with_busy_and_quiet_times_hardly_more(name):
    values = real(name)
    found = [is_far(values[at], values[max(0, at - 30) : at]) for at in range(8, len(values))]
    # Three of 465 trials: those that began a busy time of the machine.
    assert np.mean(found) <= 0.01


def test_fixed_bound_would_have_shut_on_most_of_the_same_runs():
    assert np.mean(real("minutes") > 0.25) > 0.6


@pytest.mark.parametrize("runs", [8, 10, 30])
def test_busy_host_is_seen_where_the_others_were_quiet(runs):
    rng = np.random.default_rng(7)
    nights = rng.choice(SERIES["very quiet trials"], (200, runs))
    assert np.mean([is_far(0.9, before) for before in nights]) > 0.95


def test_steal_has_a_gate_of_its_own():
    assert is_far(0.35, [0.0, 0.001] * 5, "cpu_steal")
    assert not is_far(0.05, [0.0, 0.001] * 5, "cpu_steal")
    steal = real("steal")
    assert not any(is_far(steal[at], steal[:at], "cpu_steal") for at in range(8, len(steal)))


def test_lab_that_is_always_busy_is_as_usual():
    assert not is_far(1.0, [0.8, 0.9, 0.95, 1.0] * 3)


def test_with_seven_runs_nobody_knows_what_is_usual():
    assert not is_far(1.0, [0.01] * 7)
    assert is_far(1.0, [0.01] * 8)


def test_lab_that_has_become_busy_is_news_once_or_twice_and_then_no_more():
    nights = [0.02] * 10
    news = []
    for _ in range(5):
        news.append(is_far(0.9, nights))
        nights.append(0.9)
    assert news == [True, False, False, False, False]


def rows(*hosts):
    return {
        "hosts": [{"host": f"h{n}", "is_observed": False, **each} for n, each in enumerate(hosts)]
    }


def test_load_of_a_step_is_its_worst_agents_and_observed_hosts_are_left_out():
    trial = World().trials[0]
    first = replace(
        trial, facts=rows({"cpu_pressure": 0.1, "cpu_steal": 0.2}, {"cpu_pressure": 0.5})
    )
    second = replace(trial, facts=rows({"cpu_pressure": 0.3}))
    second.facts["hosts"].append({"host": "o", "is_observed": True, "cpu_pressure": 1.0})
    (found,) = loads_of([first, second]).values()
    assert found == pytest.approx({"cpu_pressure": 0.4, "cpu_steal": 0.2})


def test_run_without_sensors_has_no_load():
    assert loads_of([World().trials[0], replace(World().trials[0], facts={"hosts": []})]) == {}


class Loaded(World):
    """A run under this pressure, after quiet ones."""

    def __init__(self, pressure, **more):
        super().__init__(**more)
        self.change_trial(facts=rows({"cpu_pressure": pressure, "cpu_steal": 0.0}))
        self.hosts = {("rr", "candidate"): {f"run-{n}": each for n, each in enumerate(QUIET)}}


def test_run_far_above_the_others_is_neither_passed_nor_failed_and_says_why():
    world = Loaded(0.93, limits=[LIMIT]).with_history(*(2 * value for value in NIGHTS))
    verdict = world.judge()
    assert (verdict.reason, verdict.exit_code) == (Reason.DISTURBED, 3)
    assert not verdict.enters_baseline
    assert {check.kind for check in verdict.checks} == {CheckKind.GATE}
    assert "some task waited for a core 93 % of the time" in verdict.sentence
    assert "far above the 1.0 % to 3.0 % of 12 earlier runs" in verdict.sentence


def test_run_as_loaded_as_the_others_is_judged():
    assert Loaded(0.05).with_history(*NIGHTS).judge().reason is Reason.NOT_WORSE
