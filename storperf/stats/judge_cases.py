"""Many independent comparisons of plain numbers, each a decision with its words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from statistics import median

import numpy as np

from storperf.model.decision import Case, Cause, Decision, Rule
from storperf.model.ending import LOOKS
from storperf.stats.baseline_shape import UNFIT_FOR_PROOF, baseline_words
from storperf.stats.confirm import (
    PAIR_ALPHAS,
    By,
    Call,
    Cases,
    Outcomes,
    decide,
    loss_distance,
)
from storperf.stats.decision_words import sentence
from storperf.stats.estimates import MEDIAN_COST, PAIR_SHARE
from storperf.stats.prior import UNSTATED, stated_prior
from storperf.stats.screen import HARM, MARGIN, POWER
from storperf.stats.student import t_quantile, t_quantiles
from storperf.stats.table import Floats

MOST_BASELINE_RUNS = 30
_MOST_LOOKED_AT = LOOKS[-1]
_LARGEST = 700.0
_RULES = {
    By.NONE: Rule.NONE,
    By.SCREEN: Rule.SCREEN,
    By.PAIRS: Rule.PAIRS,
    By.REPEATS: Rule.REPEATS,
}


def judge_cases(cases: Sequence[Case]) -> list[Decision]:
    """A decision for each case, in their order; of a baseline the last 30 runs count.

    Cases do not influence each other.  Those with as many baseline runs are computed
    together: ten thousand take about a second.
    Raises ValueError on a value that is not finite and above zero.
    """
    groups: dict[tuple[int, bool, bool], list[int]] = {}
    for number, case in enumerate(cases):
        _refuse_what_has_no_logarithm(case)
        runs = min(len(case.baseline), MOST_BASELINE_RUNS)
        kind = (runs, case.higher_is_better, case.is_suspected)
        groups.setdefault(kind, []).append(number)
    found: dict[int, Decision] = {}
    for (runs, _, _), numbers in groups.items():
        group = [cases[number] for number in numbers]
        rows = _rows(group, runs)
        decided = _decisions(group, rows, decide(rows))
        found.update(zip(numbers, decided, strict=True))
    return [found[number] for number in range(len(cases))]


def _refuse_what_has_no_logarithm(case: Case) -> None:
    values = chain(case.baseline, case.candidates, case.repeats, *case.pairs)
    if not all(0 < value < math.inf for value in values):
        raise ValueError(f"case {case.name} has a value that is not finite and above zero")


def _rows(group: Sequence[Case], runs: int) -> Cases:
    """Cases of one kind, with `runs` baseline runs each, as arrays."""
    sign = 1.0 if group[0].higher_is_better else -1.0
    priors = [
        UNSTATED if case.prior_spread is None else stated_prior(case.prior_spread) for case in group
    ]
    base = np.array([case.baseline[len(case.baseline) - runs :] for case in group])
    return Cases(
        candidate=sign * np.array([_centre(case.candidates) for case in group]),
        candidates=np.array([len(case.candidates) for case in group]),
        baseline=sign * np.log(base.reshape(len(group), runs)),
        pairs=sign * _padded([_differences(case.pairs) for case in group]),
        repeats=sign * _padded([_logs(case.repeats[:_MOST_LOOKED_AT]) for case in group]),
        prior_sigma=np.array([prior.sigma for prior in priors]),
        prior_df=np.array([prior.df for prior in priors]),
        higher_is_better=group[0].higher_is_better,
        is_suspected=group[0].is_suspected,
        level_share=np.array([case.level_share for case in group]),
    )


def _centre(candidates: Sequence[float]) -> float:
    """The middle of the candidates' logarithms (of two, their mean); NaN of none."""
    return median(_logs(candidates)) if candidates else math.nan


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def _differences(pairs: Sequence[tuple[float, float]]) -> list[float]:
    looked_at = pairs[:_MOST_LOOKED_AT]
    return [math.log(candidate) - math.log(reference) for reference, candidate in looked_at]


def _padded(rows: Sequence[Sequence[float]]) -> Floats:
    found = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for target, row in zip(found, rows, strict=True):
        target[: len(row)] = row
    return found


def _decisions(group: Sequence[Case], rows: Cases, outcomes: Outcomes) -> list[Decision]:
    estimates, better = outcomes.estimates, rows.higher_is_better
    sign = 1.0 if better else -1.0
    half = t_quantiles(0.975, estimates.df) * estimates.error
    ends = [_share(sign * (estimates.shift + side * half)) for side in (-sign, sign)]
    shares = (
        _share(sign * estimates.shift),
        *ends,
        estimates.p_worse(),
        _visible(rows, outcomes),
    )
    needed = _pairs_needed(rows, outcomes)
    words = baseline_words(rows.baseline) if rows.baseline.shape[1] else [()] * len(group)
    return [
        _decision(case, row, outcomes, [_number(each[row]) for each in shares], needed, words[row])
        for row, case in enumerate(group)
    ]


def _share(distance: Floats) -> Floats:
    """What a distance of logarithms is as a share; at most e to the 700th, which is a number."""
    found: Floats = np.expm1(np.clip(distance, -_LARGEST, _LARGEST))
    return found


def _visible(rows: Cases, outcomes: Outcomes) -> Floats:
    """The loss that the deciding look sees 4 times of 5, as a share."""
    found, better = outcomes.estimates, rows.higher_is_better
    margin = loss_distance(MARGIN, higher_is_better=better)
    limit = np.maximum(t_quantiles(1 - outcomes.alpha, found.df) * found.error, margin)
    distance = limit + t_quantiles(POWER, found.df) * found.error
    return np.abs(_share(-distance if better else distance))


def _pairs_needed(rows: Cases, outcomes: Outcomes) -> Floats:
    """How many pairs in all would find a loss of 5 % with 80 % power at the last look's level.

    1.25 ((z(1 - alpha) + z(0.80)) sigma / delta)^2, three at least; sigma is a pair's, alpha the
    case's share of the last look's.
    Source: VERDICT.md, section 6.
    """
    # Late: scipy is heavy and most commands never judge anything.
    from scipy.special import ndtri

    sigma = np.where(
        outcomes.by == By.PAIRS,
        outcomes.estimates.sigma,
        PAIR_SHARE
        * 2**0.5
        * np.where(outcomes.by == By.NONE, rows.prior_sigma, outcomes.estimates.sigma),
    )
    normal = 1e9
    z = t_quantile(POWER, normal) - ndtri(PAIR_ALPHAS[-1] * np.asarray(rows.level_share))
    delta = loss_distance(HARM, higher_is_better=rows.higher_is_better)
    found: Floats = np.maximum(LOOKS[0], np.ceil(MEDIAN_COST * (z * sigma / delta) ** 2))
    return found


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _cause(case: Case, call: Call, by: By, *, proven: bool, improved: bool) -> Cause:
    if call is Call.UNCLEAR and case.fault:
        return Cause.INVALID
    if call is Call.WORSE:
        return Cause.REGRESSION
    if call is Call.FINE:
        if improved:
            return Cause.IMPROVED
        return Cause.PROVEN if proven else Cause.NOT_WORSE
    if by is By.NONE:
        return Cause.TOO_FEW if case.pairs or case.baseline else Cause.NO_BASELINE
    return Cause.SUSPICIOUS if by is By.SCREEN else Cause.UNDECIDED


def _decision(  # noqa: PLR0913, PLR0917 - what the arrays of a whole group say of one row
    case: Case,
    row: int,
    outcomes: Outcomes,
    shares: Sequence[float | None],
    needed: Floats,
    words: tuple[str, ...],
) -> Decision:
    by, looked = By(int(outcomes.by[row])), int(outcomes.looked[row])
    cause = _cause(
        case,
        Call(int(outcomes.call[row])),
        by,
        proven=bool(outcomes.is_proven[row]) and not UNFIT_FOR_PROOF & set(words),
        improved=bool(outcomes.is_improved[row]),
    )
    change, low, high, p, visible = shares
    pairs_used = looked if by is By.PAIRS else 0
    is_open = cause in (Cause.SUSPICIOUS, Cause.UNDECIDED, Cause.TOO_FEW, Cause.NO_BASELINE)
    nothing = None if cause is Cause.INVALID else 0
    decision = Decision(
        case=case.name,
        cause=cause,
        rule=_RULES[by],
        sentence="",
        change=change,
        low=low,
        high=high,
        p=p,
        smallest_visible=visible,
        baseline_runs=min(len(case.baseline), MOST_BASELINE_RUNS),
        runs_used=len(case.candidates) + (2 if pairs_used else 1) * looked,
        pairs_used=pairs_used,
        pairs_needed=max(1, int(needed[row]) - pairs_used) if is_open else nothing,
        runs_needed=_runs_needed(case, by, looked) if is_open else nothing,
        notes=words,
    )
    return sentence(decision, case.fault)


def _runs_needed(case: Case, by: By, looked: int) -> int | None:
    """How many more runs of the candidate the next look takes, or a first one of a baseline."""
    if not case.baseline:
        return 1
    if by is By.PAIRS:
        return None
    have = looked if by is By.REPEATS else len(case.repeats)
    return next((look - have for look in LOOKS if look > have), None)
