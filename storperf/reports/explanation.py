"""A verdict step by step with its numbers, so that it can be checked by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storperf.errors import worst
from storperf.model.metric import METRICS
from storperf.model.result import RunResult
from storperf.model.verdict import WHOLE_RUN, Check, CheckKind, Verdict
from storperf.model.working import LookWorking, PairsWorking, ScreenRule, ScreenWorking
from storperf.stats.wording import count, figure_name, quantity, signed

_NO_WORKING = "It was judged by an earlier storperf, which kept no working."
_RULES = {
    ScreenRule.SCREEN: "Screen",
    ScreenRule.CONFIRMATION: "Fresh trials, at the level of a regression",
    ScreenRule.SECOND_SCREEN: "The same fresh trials, at the level of a screen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the walk through a verdict: its heading, and its lines."""

    title: str
    lines: tuple[str, ...]


def explanation(result: RunResult, verdict: Verdict) -> tuple[Section, ...]:
    """Gates, limits, screens, pairs, and how the run's word follows from them."""
    parts = [
        ("Gates: is there a measurement at all?", list(_gates(result, verdict))),
        ("Limits: what the job file demands", list(_limits(verdict))),
    ]
    for check in verdict.checks:
        if check.kind is CheckKind.BASELINE:
            parts.append((f"Baseline: {_about(check)}", list(_compared(check))))
        if check.kind is CheckKind.PAIRS:
            parts.append((f"Pairs: {_about(check)}", list(_paired(check))))
    parts.append(("The run's word", list(_word(verdict))))
    return tuple(
        Section(title=f"{number}. {title}", lines=tuple(lines))
        for number, (title, lines) in enumerate(parts, start=1)
    )


def _about(check: Check) -> str:
    figure = "" if check.metric is None else f", {figure_name(check.op, check.metric)}"
    side = "" if check.side == "candidate" else f" ({check.side})"
    return f"{check.step}{side}{figure}"


def _gates(result: RunResult, verdict: Verdict) -> Iterator[str]:
    found = [check for check in verdict.checks if check.kind is CheckKind.GATE]
    planned = count(len(result.plan.trials), "planned trial")
    if not found:
        yield f"{planned}: each was measured, whole, and not known to drift. No gate is shut."
        return
    yield f"{planned}; a step behind a shut gate is judged no further:"
    for check in found:
        where = "" if check.step == WHOLE_RUN else f"{check.step}: "
        yield f"{check.reason}: {where}{check.sentence}"


def _limits(verdict: Verdict) -> Iterator[str]:
    found = [check for check in verdict.checks if check.kind is CheckKind.LIMIT]
    if not found:
        yield "The job names none, or none speaks of what passed the gates."
    for check in found:
        yield f"{check.reason}: {check.step}: {check.sentence}"


def _compared(check: Check) -> Iterator[str]:
    yield check.sentence
    if not check.screens and check.baseline_value is not None:
        yield _NO_WORKING
    yield from _screens(check)


def _screens(check: Check) -> Iterator[str]:
    for screen in check.screens:
        yield f"{_RULES[screen.rule]}:"
        yield from (f"  {line}" for line in _screen(check, screen))


def _screen(check: Check, screen: ScreenWorking) -> Iterator[str]:
    yield from _runs(check, screen)
    yield f"centre: the {screen.centre_is} of the logarithms, {_n(screen.log_centre)}"
    kept = sum(screen.is_kept)
    if screen.own_sigma is not None:
        yield (
            f"own spread of the {count(kept, 'run')}: s = {_n(screen.own_sigma)}, "
            f"{screen.own_df} of freedom"
        )
    if screen.prior_df:
        yield (
            f"prior: s0 = {_n(screen.prior_sigma)}, worth {screen.prior_df:g} of freedom, "
            f"from {screen.prior_source}"
        )
    else:
        yield f"prior: none; {screen.prior_source}"
    own = 0.0 if screen.own_sigma is None else screen.own_sigma
    yield (
        f"spread of a run: sqrt(({screen.prior_df:g} x {_n(screen.prior_sigma)}^2 + "
        f"{screen.own_df} x {_n(own)}^2) / {screen.df:g}) = {_n(screen.sigma)}"
    )
    share = f"1/{kept}" if screen.centre_is == "mean" else f"pi/(2 x {kept})"
    yield f"error of the shift: {_n(screen.sigma)} x sqrt(1 + {share}) = {_n(screen.error)}"
    yield (
        f"this run: {_value(check, screen.value)}, logarithm {_n(screen.log_value)}; shift "
        f"{_n(screen.log_value)} - {_n(screen.log_centre)} = {_n(screen.shift)}"
    )
    yield from _decided(screen)


def _runs(check: Check, screen: ScreenWorking) -> Iterator[str]:
    names = check.baseline_runs
    is_named = len(names) == len(screen.values) and screen.rule is not ScreenRule.SCREEN
    is_named = is_named or (len(names) == len(screen.values) and not check.since_run)
    for number, (value, kept) in enumerate(zip(screen.values, screen.is_kept, strict=True)):
        name = names[number] if is_named else f"baseline run {number + 1}"
        left_out = "" if kept else "  left out: 3.5 robust deviations away (Hampel)"
        yield f"{name}: {_value(check, value)}, logarithm {_n(math.log(value))}{left_out}"


def _decided(screen: ScreenWorking) -> Iterator[str]:
    bad = "below -" if screen.worse < 0 else "above "
    yield (
        f"level: {screen.alpha:.4g} one-sided; t({1 - screen.alpha:.4g}; {screen.df:g}) = "
        f"{_n(screen.t)}, and {_n(screen.t)} x {_n(screen.error)} = {_n(screen.t * screen.error)}"
    )
    answer = "suspicious" if screen.is_suspicious else "not suspicious"
    yield (
        f"suspicious is a shift {bad}{_n(screen.limit)}, the larger of that and of "
        f"{_n(screen.margin)} (2 %): {_n(screen.shift)} is {answer}"
    )
    half = screen.t_interval * screen.error
    low, high = screen.shift - half, screen.shift + half
    yield (
        f"95 % interval: {_n(screen.shift)} -+ {_n(screen.t_interval)} x {_n(screen.error)}, so "
        f"{_n(low)} to {_n(high)}, or {_change(low)} to {_change(high)}"
    )
    proven = "proven" if screen.is_proven else "not proven"
    yield f"within 5 %: the whole interval, with 8 degrees of freedom or more; {proven}"


def _paired(check: Check) -> Iterator[str]:
    yield check.sentence
    if check.pairs is None:
        yield _NO_WORKING
        return
    yield from _screens(check)
    yield from _pairs(check, check.pairs)


def _pairs(check: Check, working: PairsWorking) -> Iterator[str]:
    is_better = check.metric is None or METRICS[check.metric].higher_is_better
    sign = 1 if is_better else -1
    turned = "" if is_better else ", turned around, because less is better"
    for number, (before, after) in enumerate(working.pairs, start=1):
        difference = sign * (math.log(after) - math.log(before))
        yield (
            f"pair {number}: {_value(check, before)} and {_value(check, after)}, logarithm of "
            f"candidate over reference {_n(difference)}{turned}"
        )
    yield (
        f"expected spread of a pair: 0.85 x sqrt(2) x {_n(working.run_sigma)} = "
        f"{_n(working.expected_sigma)}; of a run from {working.run_source}"
    )
    for look in working.looks:
        yield from _look(look, working)
    if not working.looks:
        yield "There are fewer than three pairs: no look was taken."


def _look(look: LookWorking, working: PairsWorking) -> Iterator[str]:
    prior = min(working.run_df, 4)
    yield (
        f"look after {look.pairs} pairs: median {_n(look.median)}; spread {_n(look.sigma)} of "
        f"{prior:g} expected and {look.pairs - 1} own degrees of freedom (far ones clipped); "
        f"error {_n(look.sigma)} x sqrt(1.25 / {look.pairs}) = {_n(look.error)}"
    )
    upper = look.median + look.t_worse * look.error
    lower = look.median - look.t_fine * look.error
    yield (
        f"  worse: {_n(look.median)} + {_n(look.t_worse)} x {_n(look.error)} = {_n(upper)} below 0 "
        f"(level {look.alpha:.4g}), and {_n(look.median)} below -{_n(look.margin)} (2 %)"
    )
    yield (
        f"  not worse: {_n(look.median)} - {_n(look.t_fine)} x {_n(look.error)} = {_n(lower)} "
        f"above -{_n(look.harm)} (5 %)"
    )
    yield f"  so: {look.word.replace('_', ' ')}"


def _word(verdict: Verdict) -> Iterator[str]:
    reasons: dict[str, int] = {}
    for check in verdict.checks:
        reasons[check.reason] = reasons.get(check.reason, 0) + 1
    codes = {check.reason.value: int(check.reason.exit_code) for check in verdict.checks}
    for reason, found in reasons.items():
        yield f"{count(found, 'check')}: {reason}, exit code {codes[reason]}"
    code = worst([check.reason.exit_code for check in verdict.checks])
    yield f"Of these codes {int(code)} wins (130, 5, 2, 1, 4, 3, 0), and with it {verdict.reason}."
    strength = f" ({verdict.strength})" if verdict.strength else ""
    yield f"{verdict.outcome}{strength}: {verdict.rest}"
    enters = "may" if verdict.enters_baseline else "does not"
    why = "every check is clean" if verdict.enters_baseline else "not every check is clean"
    yield f"The run {enters} enter the baseline: {why}."


def _n(number: float) -> str:
    """Seven significant digits: enough to come to the same figures by hand."""
    return f"{number:.7g}"


def _value(check: Check, value: float) -> str:
    if check.metric is None:
        return _n(value)
    metric = METRICS[check.metric]
    return f"{value:.6g} {metric.unit} ({quantity(metric, value)})"


def _change(shift: float) -> str:
    return signed(math.expm1(shift))


def explanation_text(sections: Sequence[Section]) -> str:
    """The sections as plain text, a blank line between them."""
    blocks = ["\n".join([each.title, *(f"  {line}" for line in each.lines)]) for each in sections]
    return "\n\n".join(blocks) + "\n"
