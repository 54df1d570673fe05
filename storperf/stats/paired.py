"""Pairs of reference and candidate, measured in one run: what they say of each judged figure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from storperf.model.decision import Case, Cause, Decision
from storperf.model.job import CANDIDATE, REFERENCE, Step
from storperf.model.metric import METRICS
from storperf.model.run import Summary, Trial
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.comparison import TAIL, Baseline, is_primary, usable_value
from storperf.stats.judge_cases import judge_cases
from storperf.stats.pairs_working import pairs_working
from storperf.stats.prior import (
    DEFAULT_TAIL_SIGMA,
    FEWEST_POOLED_DF,
    LabSpread,
    lab_prior,
    spread_of,
)
from storperf.stats.repeats import ALL, Place
from storperf.stats.wording import figure_name, quantity

# With fewer degrees of freedom a baseline does not know how much runs scatter.
FEWEST_KNOWN_DF = 4
_REASONS = {
    Cause.REGRESSION: Reason.REGRESSION,
    Cause.UNDECIDED: Reason.TOO_FEW,
    Cause.TOO_FEW: Reason.TOO_FEW,
}

Pairs = Mapping[Place, Sequence[tuple[float, float]]]


def pairs_of(
    trials: Sequence[Trial], summaries: Sequence[Summary]
) -> dict[Place, list[tuple[float, float]]]:
    """The values (reference, candidate) of each figure, by the candidate's place, in their order.

    `trials` are those of pairs alone; trials of one repeat are a pair.  A pair of which one
    side has no usable value is left out.
    """
    of_trial = {trial.id: trial for trial in trials}
    found: dict[Place, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for summary in summaries:
        trial = of_trial.get(summary.trial)
        value = usable_value(summary.metric, summary.value)
        if trial is None or summary.agent != ALL or value is None:
            continue
        place = (trial.step_key, CANDIDATE, summary.op, summary.metric)
        found[place][trial.repeat][trial.side] = value
    return {
        place: [
            (sides[REFERENCE], sides[CANDIDATE])
            for _, sides in sorted(pairs.items())
            if sides.keys() == {REFERENCE, CANDIDATE}
        ]
        for place, pairs in found.items()
    }


def judge_pairs(
    steps: Sequence[Step],
    pairs: Pairs,
    known: Mapping[Place, Baseline],
    suspected: set[Place],
    lab: Mapping[Place, LabSpread] = MappingProxyType({}),
) -> Iterator[Check]:
    """A check of each judged figure that was measured in pairs.

    The looks are those of `stats.confirm`, with the baseline's own word on how much a run
    scatters where it has one, else with that of the lab's calibrations.  A step's judged metric
    has to be decided.  Its p99 has to be only where it was `suspected`; else a loss of it counts,
    and of a p99 that pairs cannot decide nothing is said.
    The primary figures of all steps share every look's level; the others are held to it as
    Benjamini-Hochberg does (`_decide_others`).
    """
    places = [
        (step.key, CANDIDATE, op.value, metric)
        for step in steps
        for op in step.workload.ops
        for metric in (step.workload.judged_metric, TAIL)
    ]
    cases = {
        place: _case(
            place,
            pairs[place],
            _spread(place[3], known.get(place), lab.get(place)),
            is_suspected=place in suspected,
        )
        for place in places
        if pairs.get(place)
    }
    primary = {place: case for place, case in cases.items() if is_primary(place)}
    others = {place: case for place, case in cases.items() if not is_primary(place)}
    share = 1 / max(1, len(primary))
    decided = dict(zip(primary, _judged(primary.values(), share), strict=True))
    decided |= zip(others, _decide_others(list(others.values())), strict=True)
    for place in cases:
        check = _check(place, pairs[place], *decided[place])
        if place in suspected or is_primary(place) or check.reason is not Reason.TOO_FEW:
            yield check


def _judged(cases: Iterable[Case], share: float) -> list[tuple[Case, Decision]]:
    """The cases as they were judged, and what they came to."""
    judged = [replace(case, level_share=share) for case in cases]
    return list(zip(judged, judge_cases(judged), strict=True))


def _decide_others(cases: Sequence[Case]) -> list[tuple[Case, Decision]]:
    """Benjamini-Hochberg over looks: the most regressions, k, of m at k / m of every level.

    A figure that is none at a level is none at a smaller one, so that numbers between k and
    the one that was tried need not be.  Source: as `multiple.benjamini_hochberg`; a look's level
    takes the place of the share, so that what one figure needs alone is what it always needed.
    """
    tried = len(cases)
    while True:
        decided = _judged(cases, tried / max(1, len(cases)))
        found = sum(each.cause is Cause.REGRESSION for _, each in decided)
        if found >= tried or tried <= 1:
            return decided
        tried = max(1, found)


def _case(
    place: Place,
    pairs: Sequence[tuple[float, float]],
    spread: float | None,
    *,
    is_suspected: bool,
) -> Case:
    step, _, _, metric = place
    return Case(
        name=step,
        baseline=(),
        candidates=(),
        pairs=tuple(pairs),
        prior_spread=spread,
        higher_is_better=METRICS[metric].higher_is_better,
        is_suspected=is_suspected,
    )


def _check(
    place: Place, pairs: Sequence[tuple[float, float]], case: Case, decision: Decision
) -> Check:
    step, side, op, metric = place
    reference, candidate = (_middle(values) for values in zip(*_seen(pairs, decision), strict=True))
    return Check(
        kind=CheckKind.PAIRS,
        step=step,
        side=side,
        op=op,
        metric=metric,
        reason=_REASONS.get(decision.cause, Reason.NOT_WORSE),
        sentence=(
            f"{figure_name(op, metric)} {quantity(METRICS[metric], candidate)} against "
            f"{quantity(METRICS[metric], reference)}. {decision.sentence}"
        ),
        value=candidate,
        baseline_value=reference,
        change=decision.change,
        change_low=decision.low,
        change_high=decision.high,
        smallest_visible=decision.smallest_visible,
        is_proven=decision.cause is Cause.PROVEN,
        pairs=pairs_working(case, decision),
    )


def _seen(
    pairs: Sequence[tuple[float, float]], decision: Decision
) -> Sequence[tuple[float, float]]:
    return pairs[: decision.pairs_used or len(pairs)]


def _middle(values: Sequence[float]) -> float:
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _spread(metric: str, baseline: Baseline | None, lab: LabSpread | None) -> float | None:
    """How much a run scatters by its own baseline, or by calibrations; None where nobody knows.

    A tail is known to scatter widely even then.
    """
    if baseline is not None:
        own = spread_of(baseline.values)
        if own.df >= FEWEST_KNOWN_DF:
            return float((own.squares / own.df) ** 0.5)
    if lab is not None and lab.spread.df >= FEWEST_POOLED_DF:
        return lab_prior(lab).sigma
    return DEFAULT_TAIL_SIGMA if metric == TAIL else None
