"""Two sets of runs, step by step: unlike ones side by side, like ones judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storperf.model.job import Op, Step
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.stats.comparison import TAIL, is_primary, usable_value
from storperf.stats.multiple import held_to
from storperf.stats.prior import Spread, choose_prior, spread_of
from storperf.stats.repeats import Place
from storperf.stats.screen import CONFIRM_ALPHA, HARM, OTHERS_ALPHA, PRIMARY_ALPHA, sidak
from storperf.stats.set_steps import SetStep, steps_of
from storperf.stats.two_sets import FEWEST_ALONE, Distance, distance
from storperf.stats.wording import change, count, figure_name, percent, quantity, signed

# With fewer on either side a set's own spread is not known: a loss is suspicious, never more.
FEWEST_TO_FAIL = FEWEST_ALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A figure of both sets, and the words on runs that do not count."""

    place: Place
    reference: tuple[float, ...]
    candidate: tuple[float, ...]
    runs: tuple[str, ...]
    left_out: str


def compare_sets(
    reference: Sequence[RunResult], candidate: Sequence[RunResult]
) -> tuple[Check, ...]:
    """A check for each judged figure of the steps that both sets have.

    Judged are runs of one fingerprint, the one that both sets share most; a step of which they
    share none is `not_comparable`, and so is one that no run of a set measured whole and
    steady, or whose judged figure is nowhere above zero.  Steps that only one set was to measure
    are left out.
    The primary figures of all steps share 15 % of false suspicions and 1 % of false
    regressions, the others are held to Benjamini-Hochberg at 5 and 1 %.  With fewer than five runs
    on either side nothing is called a regression: the spread is a prior then.
    """
    before, after = steps_of(reference), steps_of(candidate)
    both = [key for key in after if key in before]
    checks: list[Check] = []
    pairs: list[_Pair] = []
    for key in both:
        shared = before[key].most_shared_with(after[key])
        if shared is None:
            checks.append(_unlike(key, before[key], after[key], after[key].step.workload.ops[0]))
            continue
        was, now = before[key].of(shared), after[key].of(shared)
        found = list(_pairs(key, was, now))
        pairs += found
        present = {pair.place for pair in found}
        checks += [
            _unlike(key, was, now, op)
            for op in now.step.workload.ops
            if (*key, op.value, now.step.workload.judged_metric) not in present
        ]
    return (*_judged(pairs), *checks)


def _pairs(key: tuple[str, str], before: SetStep, after: SetStep) -> Iterator[_Pair]:
    step = after.step
    for op in step.workload.ops:
        for metric in (step.workload.judged_metric, TAIL):
            place = (*key, op.value, metric)
            was, now = _values(before, place), _values(after, place)
            if was and now:
                yield _Pair(
                    place=place,
                    reference=tuple(was.values()),
                    candidate=tuple(now.values()),
                    runs=tuple(was),
                    left_out=_left_out(before, after),
                )


def _values(of: SetStep, place: Place) -> dict[str, float]:
    """A figure in the runs that count, by run; a value without a logarithm is none."""
    found = ((run.id, run.values.get(place)) for run in of.counting)
    usable = (
        (run, None if value is None else usable_value(place[3], value.value))
        for run, value in found
    )
    return {run: value for run, value in usable if value is not None}


def _left_out(before: SetStep, after: SetStep) -> str:
    """Which runs do not count and why, the first reason for all; empty when all count."""
    told = []
    for name, each in (("reference", before), ("candidate", after)):
        if each.not_counting:
            first = each.not_counting[0].doubts
            of = count(len(each.counting) + len(each.not_counting), f"{name} run")
            told.append(f"{len(each.not_counting)} of {of} left out: {first}")
    return "; ".join(told)


def _judged(pairs: Sequence[_Pair]) -> Iterator[Check]:
    distances = _distances(pairs)
    p_values = [
        distances[each.place].p_worse(higher_is_better=METRICS[each.place[3]].higher_is_better)
        for each in pairs
    ]
    screened = _levels(pairs, p_values, (PRIMARY_ALPHA, OTHERS_ALPHA))
    confirmed = _levels(pairs, p_values, (CONFIRM_ALPHA, CONFIRM_ALPHA))
    for pair, p_value, level, strict in zip(pairs, p_values, screened, confirmed, strict=True):
        may_fail = min(len(pair.reference), len(pair.candidate)) >= FEWEST_TO_FAIL
        reason = Reason.NOT_WORSE
        if p_value <= level:
            reason = Reason.REGRESSION if may_fail and p_value <= strict else Reason.SUSPICIOUS
        yield _check(pair, distances[pair.place], reason, level)


def _levels(
    pairs: Sequence[_Pair], p_values: Sequence[float], shares: tuple[float, float]
) -> list[float]:
    """The level of each figure: Sidak over the primary ones, Benjamini-Hochberg over the others."""
    primary = [is_primary(each.place) for each in pairs]
    others = iter(
        held_to([p for p, own in zip(p_values, primary, strict=True) if not own], shares[1])
    )
    own = sidak(shares[0], max(1, sum(primary)))
    return [own if each else next(others) for each in primary]


def _distances(pairs: Sequence[_Pair]) -> dict[Place, Distance]:
    """Every figure's distance; what is known of its spread comes from the others of its metric."""
    own = {pair.place: spread_of(pair.reference) + spread_of(pair.candidate) for pair in pairs}
    pooled: dict[str, Spread] = {}
    for place, spread in own.items():
        pooled[place[3]] = pooled.get(place[3], Spread(squares=0.0, df=0)) + spread
    found = {}
    for pair in pairs:
        metric = pair.place[3]
        runs = len(pair.reference) + len(pair.candidate) - 1
        prior = choose_prior(metric, runs, pooled[metric] - own[pair.place])
        found[pair.place] = distance(pair.reference, pair.candidate, prior)
    return found


def _check(pair: _Pair, found: Distance, reason: Reason, level: float) -> Check:
    step, side, op, metric = pair.place
    low, high = found.interval()
    better = METRICS[metric].higher_is_better
    visible = found.smallest_visible(level, higher_is_better=better)
    return Check(
        kind=CheckKind.BASELINE,
        step=step,
        side=side,
        op=op,
        metric=metric,
        reason=reason,
        sentence=_sentence(pair, found, reason, visible),
        value=found.candidate,
        baseline_value=found.reference,
        baseline_runs=pair.runs,
        change=found.candidate / found.reference - 1,
        change_low=low,
        change_high=high,
        smallest_visible=visible,
    )


def _sentence(pair: _Pair, found: Distance, reason: Reason, visible: float) -> str:
    _, _, op, name = pair.place
    metric = METRICS[name]
    low, high = found.interval()
    bad = "lower" if metric.higher_is_better else "higher"
    words = {
        Reason.REGRESSION: "a regression",
        Reason.SUSPICIOUS: "suspicious",
        Reason.NOT_WORSE: "not worse",
    }[reason]
    if reason is Reason.NOT_WORSE and found.is_proven(higher_is_better=metric.higher_is_better):
        words = f"proven within {HARM * 100:.0f} %"
    left_out = f" {pair.left_out}." if pair.left_out else ""
    return (
        f"{figure_name(op, name)} {quantity(metric, found.candidate)} of"
        f" {count(len(pair.candidate), 'run')} is"
        f" {change(found.candidate / found.reference - 1)} than"
        f" {quantity(metric, found.reference)} of {count(len(pair.reference), 'run')}"
        f" (95 % interval {signed(low)} to {signed(high)}): {words}."
        f" {percent(visible)} {bad} would be seen 4 times of 5."
        f" A run scatters by {percent(found.spreads[0])} there and"
        f" {percent(found.spreads[1])} here.{left_out}"
    )


def _unlike(key: tuple[str, str], before: SetStep, after: SetStep, of: Op) -> Check:
    """Both figures side by side, and what keeps them from being compared."""
    step = after.step
    op, metric = of.value, step.workload.judged_metric
    place = (*key, op, metric)
    was, now = before.any_value(place), after.any_value(place)
    shown = ["no value" if each is None else quantity(METRICS[metric], each) for each in (was, now)]
    why = (
        _differences(after.step, before.step)
        or _left_out(before, after)
        or "a figure that is not above zero cannot be compared"
    )
    return Check(
        kind=CheckKind.BASELINE,
        step=key[0],
        side=key[1],
        op=op,
        metric=metric,
        reason=Reason.NOT_COMPARABLE,
        sentence=f"{why}. {figure_name(op, metric)}: {shown[0]} and {shown[1]}.",
        value=now,
        baseline_value=was,
    )


def _differences(step: Step, other: Step) -> str:
    """The measuring fields that differ, with both values; empty for the same fingerprint."""
    if step.fingerprint == other.fingerprint:
        return ""
    now, then = dict(step.measuring), dict(other.measuring)
    fields = [
        f"{name} is {then.get(name, 'absent')} in one and {now.get(name, 'absent')} in the other"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    return "; ".join(fields) or "the fingerprint's version"
