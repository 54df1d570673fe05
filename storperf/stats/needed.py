"""What an undecided run lacks: pairs, or a longer trial, and the minutes that they take."""

from __future__ import annotations

import math

from storperf.model.ending import LOOKS
from storperf.model.job import Job
from storperf.model.metric import METRICS
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.confirm import PAIR_ALPHAS, loss_distance
from storperf.stats.estimates import MEDIAN_COST, PAIR_SHARE
from storperf.stats.screen import HARM, POWER
from storperf.stats.student import t_quantile
from storperf.stats.wording import count

_NORMAL = 1e9
# Nobody measures for longer to settle one limit.
_MOST_TIMES = 100
_HARM = f"{HARM * 100:.0f} %"


def needed(job: Job, check: Check) -> str:
    """What would settle a check, in a sentence with its minutes; empty where nobody can say."""
    if check.kind is CheckKind.LIMIT and check.reason is Reason.TOO_FEW:
        return _longer_trial(job, check)
    if check.kind is CheckKind.PAIRS and check.pairs is not None and check.pairs.looks:
        last = check.pairs.looks[-1]
        # The level tells which share of the last look's the figure has.
        return _pairs_left(job, check, last.sigma, last.alpha, last.pairs)
    if check.kind is CheckKind.BASELINE and check.screens:
        sigma = PAIR_SHARE * 2**0.5 * check.screens[0].sigma
        return _pairs_left(job, check, sigma, PAIR_ALPHAS[-1], 0)
    return ""


def pairs_needed(pair_sigma: float, alpha: float, *, higher_is_better: bool) -> int:
    """How many pairs in all find a loss of 5 % with 80 % power at this level.

    max(3, 1.25 ((z(1 - alpha) + z(0.80)) sigma / delta)^2), VERDICT.md section 6.
    """
    z = t_quantile(1 - alpha, _NORMAL) + t_quantile(POWER, _NORMAL)
    delta = loss_distance(HARM, higher_is_better=higher_is_better)
    return max(LOOKS[0], math.ceil(MEDIAN_COST * (z * pair_sigma / delta) ** 2))


def _pairs_left(job: Job, check: Check, sigma: float, alpha: float, done: int) -> str:
    better = check.metric is None or METRICS[check.metric].higher_is_better
    left = max(1, pairs_needed(sigma, alpha, higher_is_better=better) - done)
    minutes = _minutes(2 * left * job.ending.runtime_s)
    if done:
        # The decision's own sentence says how many.
        return f"{'They take' if left > 1 else 'It takes'} {minutes} of measuring."
    found = f"would find a loss of {_HARM} 4 times of 5, and take {minutes} of measuring"
    if job.has_reference:
        return f"{count(left, 'pair')} with the reference {found}."
    return f"With a `reference` in the job file {count(left, 'pair')} {found}."


def _longer_trial(job: Job, check: Check) -> str:
    """The half width of an interval falls with the root of the time."""
    if check.value is None or check.bound is None or check.low is None or check.high is None:
        return ""
    distance = abs(check.value - check.bound)
    times = ((check.high - check.low) / 2 / distance) ** 2 if distance else math.inf
    if times > _MOST_TIMES:
        return "The figure lies on the bound: no reasonable length of a trial could tell."
    return f"A trial of {_minutes(times * job.ending.runtime_s)} could tell."


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes:.0f} min"
    return f"about {minutes / 60:.0f} h"
