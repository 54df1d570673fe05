"""Our Student's t is scipy's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import stdtr, stdtrit

from storperf.stats.student import t_probabilities, t_quantile, t_quantiles

DF = np.array([1.5, 1.9, 2, 2.5, 3, 4.7, 9, 30.5, 100, 999, 1000, 1e4, 1e6, 1e9])
PROBABILITIES = (0.0001, 0.0005, 0.025, 0.2, 0.4, 0.6, 0.8, 0.95, 0.975, 0.995, 0.9999)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_quantiles_are_scipys(probability):
    assert t_quantiles(probability, DF) == pytest.approx(stdtrit(DF, probability), rel=1e-6)


def test_a_probability_of_each_gives_the_same_as_one_for_all():
    each = t_quantiles(np.full(len(DF), 0.975), DF)
    assert each == pytest.approx(t_quantiles(0.975, DF), rel=1e-12)


def test_the_median_is_zero_and_both_sides_are_alike():
    assert t_quantile(0.5, 3.0) == pytest.approx(0.0, abs=1e-12)
    assert t_quantile(0.01, 3.0) == pytest.approx(-t_quantile(0.99, 3.0))


@pytest.mark.parametrize("df", DF)
def test_probabilities_are_scipys(df):
    values = np.array([-1e3, -50.0, -3.0, -0.5, 0.0, 1e-9, 0.5, 3.0, 8.0, 1e3])
    many = np.full(len(values), df)
    assert t_probabilities(values, many) == pytest.approx(stdtr(many, values), abs=1e-8)


def test_a_verdict_is_made_without_scipy():
    code = "import sys, storperf.stats.verdict; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
