"""This run's figures against the accepted runs of the same step and fingerprint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from storperf.model.baseline import BaselineValue
from storperf.model.history import Band
from storperf.model.job import CANDIDATE, Step
from storperf.model.metric import METRICS
from storperf.model.verdict import Check, CheckKind, Reason
from storperf.model.working import ScreenRule, ScreenWorking
from storperf.stats.baseline_shape import NOTES, baseline_words
from storperf.stats.multiple import held_to
from storperf.stats.prior import LabSpread, Prior, Spread, choose_prior, spread_of
from storperf.stats.repeats import Place, RunValue
from storperf.stats.screen import (
    CONFIRM_ALPHA,
    HARM,
    OTHERS_ALPHA,
    PRIMARY_ALPHA,
    RUN_ALPHA,
    Screen,
    screen,
    sidak,
)
from storperf.stats.wording import change, count, figure_name, percent, quantity, signed

TAIL = "clat_p99"
_SUSPICIOUS = "suspicious, which a screen alone cannot confirm"
_REGRESSION = "a regression"
History = Mapping[tuple[str, str], Sequence[BaselineValue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The values of one figure in earlier runs, oldest first, and the runs' names.

    `span_s` is when the first and the last of them ended, epoch seconds.
    """

    values: tuple[float, ...]
    runs: tuple[str, ...]
    span_s: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspected:
    """A figure of which the last runs sank: `first_run` is the first of the suspected level.

    `before` are the runs before that: what fresh trials have to be held against, because
    the newest part of the baseline has sunk too.
    """

    first_run: str
    before: Baseline
    sentence: str


def baselines(history: History, runs: int) -> dict[Place, Baseline]:
    """The last `runs` usable values of each figure in `history`.

    A latency of 0 is below fio's grain and counts as 1 ns; a value that is not
    finite and positive has no logarithm and is left out.
    """
    groups: dict[Place, list[BaselineValue]] = {}
    for (step, side), values in history.items():
        for value in sorted(values, key=lambda each: each.ended_s):
            if usable_value(value.metric, value.value) is not None:
                groups.setdefault((step, side, value.op, value.metric), []).append(value)
    return {place: _baseline(group[-runs:]) for place, group in groups.items() if runs > 0}


def _baseline(group: Sequence[BaselineValue]) -> Baseline:
    usable = (usable_value(each.metric, each.value) for each in group)
    return Baseline(
        values=tuple(value for value in usable if value is not None),
        runs=tuple(dict.fromkeys(each.run for each in group)),
        span_s=(group[0].ended_s, group[-1].ended_s),
    )


def usable_value(metric: str, value: float) -> float | None:
    """A value that has a logarithm, None for others; a latency of 0 counts as 1 ns."""
    if metric in METRICS and METRICS[metric].unit == "ns":
        value = max(value, 1.0)
    return value if math.isfinite(value) and value > 0 else None


def judge_against_baselines(  # noqa: PLR0913 - what is known of a run besides its values
    usable: Sequence[tuple[Step, str]],
    values: Mapping[Place, RunValue],
    known: Mapping[Place, Baseline],
    *,
    fresh: Mapping[Place, RunValue] = MappingProxyType({}),
    sunk: Mapping[Place, Suspected] = MappingProxyType({}),
    lab: Mapping[Place, LabSpread] = MappingProxyType({}),
) -> Iterator[Check]:
    """A screen for each judged figure that has a baseline.

    `usable` are the steps and sides whose trials passed the gates.  Judged are the workload's
    judged metric and the p99 of completion latency, per direction; all others are
    reported only.  The screens of a run share one false-alarm budget (`_levels`), so that it
    is not suspicious for having many steps.  A screen says suspicious, never fail.
    `fresh` has the figures of the trials that were added to confirm a suspicion: they alone
    decide whether a suspicious figure is a regression (see `_confirm`).  A figure of `sunk` is
    suspicious whatever its screen says, until fresh trials say no.  `lab` is what calibrations
    know of the figures' spread.
    """
    places = judged_places(usable)
    pending = []
    for place in places:
        found = values.get(place)
        value = None if found is None else usable_value(place[3], found.value)
        if place in known and value is not None:
            pending.append((place, value))
        elif place in known:
            yield _without_value(place, known[place])
    priors = _priors([place for place, _ in pending], known, lab)
    levels = _levels(pending, known, priors)
    screened = {
        place: _judge(place, value, known[place], priors[place], levels[place])
        for place, value in pending
    }
    screened |= {
        place: _with_history(screened[place], found)
        for place, found in sunk.items()
        if place in screened
    }
    suspected = [place for place in screened if place in fresh and _is_suspicious(screened[place])]
    for place, check in screened.items():
        if place in suspected:
            alpha = sidak(CONFIRM_ALPHA, len(suspected))
            own = sunk[place].before if place in sunk else known[place]
            confirmed = _confirm(check, fresh[place], own, priors[place], alpha)
            yield replace(confirmed, since_run=check.since_run)
        else:
            yield check


def _levels(
    pending: Sequence[tuple[Place, float]],
    known: Mapping[Place, Baseline],
    priors: Mapping[Place, Prior],
) -> dict[Place, float]:
    """The level that each figure's screen has.

    Of the run's 20 % the primary figures of all steps share 15 (Sidak: one of them is enough to
    make the run suspicious), the others 5 (Benjamini-Hochberg).
    """
    primary = [place for place, _ in pending if is_primary(place)]
    others = [(place, value) for place, value in pending if not is_primary(place)]
    p_values = [
        _screen(place, value, known[place], priors[place], OTHERS_ALPHA).p
        for place, value in others
    ]
    held = held_to(p_values, OTHERS_ALPHA)
    return {
        **{place: sidak(PRIMARY_ALPHA, len(primary)) for place in primary},
        **{place: level for (place, _), level in zip(others, held, strict=True)},
    }


def is_primary(place: Place) -> bool:
    """Whether a judged figure is its step's primary one: all but the tail."""
    return place[3] != TAIL


def _priors(
    places: Sequence[Place], known: Mapping[Place, Baseline], lab: Mapping[Place, LabSpread]
) -> dict[Place, Prior]:
    """What is known of each figure's spread, from the others of its metric and calibrations."""
    spreads = {place: spread_of(known[place].values) for place in places}
    pooled: dict[str, Spread] = {}
    for place, spread in spreads.items():
        pooled[place[3]] = pooled.get(place[3], Spread(squares=0.0, df=0)) + spread
    return {
        place: choose_prior(
            place[3],
            len(known[place].values),
            pooled[place[3]] - spreads[place],
            lab.get(place),
        )
        for place in places
    }


def bands(
    steps: Sequence[tuple[Step, str]],
    known: Mapping[Place, Baseline],
    lab: Mapping[Place, LabSpread] = MappingProxyType({}),
) -> dict[Place, Band]:
    """For each judged figure with a baseline where the next run's value would be suspicious.

    As `judge_against_baselines` would judge a run that measures all these steps and sides, and
    of whose other figures none changed.
    """
    places = [place for place in judged_places(steps) if place in known]
    priors = _priors(places, known, lab)
    found = {}
    primary = sum(is_primary(place) for place in places)
    for place in places:
        values, metric = known[place].values, METRICS[place[3]]
        others = OTHERS_ALPHA / max(1, len(places) - primary)
        alpha = sidak(PRIMARY_ALPHA, primary) if is_primary(place) else others
        at_centre = screen(values[0], values, metric=metric, prior=priors[place], alpha=alpha)
        worse = -1 if metric.higher_is_better else 1
        found[place] = Band(
            centre=at_centre.centre,
            suspicious=at_centre.centre * (1 + worse * at_centre.threshold),
            runs=known[place].runs,
        )
    return found


def judged_places(steps: Sequence[tuple[Step, str]]) -> list[Place]:
    """What is judged of steps and sides: the workload's own metric and the p99, per direction."""
    return [
        (step.key, side, op.value, metric)
        for step, side in steps
        for op in step.workload.ops
        for metric in (step.workload.judged_metric, TAIL)
    ]


def _is_suspicious(check: Check) -> bool:
    return check.reason is Reason.SUSPICIOUS


def _with_history(check: Check, found: Suspected) -> Check:
    """The screen of a figure whose last runs sank: suspicious, for that reason."""
    return replace(
        check,
        reason=Reason.SUSPICIOUS,
        since_run=found.first_run,
        sentence=f"{found.sentence} This run: {check.sentence}",
    )


def _confirm(suspicion: Check, fresh: RunValue, own: Baseline, prior: Prior, alpha: float) -> Check:
    """What fresh trials of the same session make of a suspicion.

    The value that raised it is left out: it was chosen for being bad.  The fresh trials share
    what their session adds to the noise, so their mean is held against the spread of single
    runs, undivided (the session-safe error of VERDICT.md, finding 4: 0.8 to 1.2 % false
    failures).  Worse beyond `alpha` is a regression; worse by the screen's own level is still
    suspicious; else the suspicion was chance.
    """
    step, side, op, metric = (
        suspicion.step,
        suspicion.side,
        suspicion.op or "",
        suspicion.metric or "",
    )
    value = usable_value(metric, fresh.value)
    if value is None:
        return suspicion
    place = (step, side, op, metric)
    strict = _judge(place, value, own, prior, alpha)
    trials = count(fresh.trials, "fresh trial")
    screens = (*suspicion.screens, *_named(strict, ScreenRule.CONFIRMATION))
    if _is_suspicious(strict):
        words = f"Confirmed by {trials}: {strict.sentence.replace(_SUSPICIOUS, _REGRESSION)}"
        return replace(strict, reason=Reason.REGRESSION, sentence=words, screens=screens)
    again = _judge(place, value, own, prior, RUN_ALPHA)
    screens = (*screens, *_named(again, ScreenRule.SECOND_SCREEN))
    again = replace(again, screens=screens)
    if _is_suspicious(again):
        return replace(again, sentence=f"Not settled by {trials}: {again.sentence}")
    words = f"Suspicious at first, not confirmed by {trials}: {again.sentence}"
    return replace(again, sentence=words)


def _named(check: Check, rule: ScreenRule) -> tuple[ScreenWorking, ...]:
    return tuple(replace(each, rule=rule) for each in check.screens)


def _judge(place: Place, value: float, own: Baseline, prior: Prior, alpha: float) -> Check:
    step, side, op, metric = place
    result = _screen(place, value, own, prior, alpha)
    (odd,) = baseline_words(np.log([own.values]))
    told = " ".join((_sentence(place, value, result, prior.source), *(NOTES[word] for word in odd)))
    return Check(
        kind=CheckKind.BASELINE,
        step=step,
        side=side,
        op=op,
        metric=metric,
        reason=Reason.SUSPICIOUS if result.is_suspicious else Reason.NOT_WORSE,
        sentence=told,
        value=value,
        baseline_value=result.centre,
        baseline_runs=own.runs,
        change=result.change,
        change_low=result.change_low,
        change_high=result.change_high,
        smallest_visible=result.smallest_visible,
        is_proven=result.is_proven,
        baseline_from_s=None if own.span_s is None else own.span_s[0],
        baseline_until_s=None if own.span_s is None else own.span_s[1],
        screens=(result.working,),
    )


def _screen(place: Place, value: float, own: Baseline, prior: Prior, alpha: float) -> Screen:
    return screen(value, own.values, metric=METRICS[place[3]], prior=prior, alpha=alpha)


def _sentence(place: Place, value: float, result: Screen, source: str) -> str:
    _, _, op, name = place
    metric = METRICS[name]
    judged = "not suspicious"
    if result.is_suspicious:
        judged = _SUSPICIOUS
    elif result.is_improved:
        judged = "an improvement"
    elif result.is_proven:
        judged = f"proven within {HARM * 100:.0f} %"
    bad = "lower" if metric.higher_is_better else "higher"
    return (
        f"{figure_name(op, name)} {quantity(metric, value)} is {change(result.change)} than"
        f" {quantity(metric, result.centre)} of {count(result.runs, 'earlier run')}"
        f" (95 % interval {signed(result.change_low)} to {signed(result.change_high)}): {judged}."
        f" Suspicious is {percent(result.threshold)} {bad};"
        f" {percent(result.smallest_visible)} {bad} would be seen 4 times of 5."
        f" Run-to-run spread from {source}."
    )


def _without_value(place: Place, own: Baseline) -> Check:
    step, side, op, metric = place
    return Check(
        kind=CheckKind.BASELINE,
        step=step,
        side=side,
        op=op,
        metric=metric,
        reason=Reason.TOO_FEW,
        sentence=f"{figure_name(op, metric)} has a baseline, but this run did not measure it.",
        baseline_runs=own.runs,
    )


def without_baseline(
    step: Step, known: Mapping[Place, Baseline], differing: str | None, *, is_limited: bool
) -> Check | None:
    """What is to be said of a candidate's step some of whose judged figures have no baseline.

    Not comparable when earlier runs measured something else (`differing` says what); no
    baseline when no limit speaks of the step either; None when nothing is missing, or
    when the limits alone decide.
    """
    metric = step.workload.judged_metric
    missing = [
        op.value for op in step.workload.ops if (step.key, CANDIDATE, op.value, metric) not in known
    ]
    if not missing:
        return None
    has_some = len(missing) < len(step.workload.ops)
    if differing is not None and not has_some:
        reason = Reason.NOT_COMPARABLE
        sentence = f"Earlier runs of this step measured something else: {differing.rstrip('.')}."
    elif is_limited and not has_some:
        return None
    else:
        reason = Reason.NO_BASELINE
        figures = ", ".join(figure_name(op, metric) for op in missing)
        sentence = f"No earlier run to compare with ({figures}); this one can be the first."
    return Check(
        kind=CheckKind.BASELINE,
        step=step.key,
        side=CANDIDATE,
        op=None,
        metric=metric,
        reason=reason,
        sentence=sentence,
    )
