"""A decision in one sentence or two, so that it can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

from storperf.model.decision import Cause, Decision, Rule
from storperf.stats.baseline_shape import NOTES
from storperf.stats.screen import HARM
from storperf.stats.wording import change, count, percent, signed

_HARM = f"{HARM * 100:.0f} %"


def sentence(decision: Decision, fault: str = "") -> Decision:
    """The decision with its sentence; `fault` names a value that is no measurement."""
    is_invalid = decision.cause is Cause.INVALID
    judged = f"{fault} is no measurement above zero." if is_invalid else _judged(decision)
    parts = [judged, *(NOTES[note] for note in decision.notes)]
    return replace(decision, sentence=" ".join(part for part in parts if part))


def _judged(decision: Decision) -> str:
    if decision.cause is Cause.NO_BASELINE:
        return "There is nothing to compare with: no baseline, and no pairs."
    if decision.change is None or decision.low is None or decision.high is None:
        return (
            "There is no run of the candidate to screen, and fewer than three pairs:"
            f" {_needed(decision)}"
        )
    figures = (
        f"{change(decision.change)} (95 % interval {signed(decision.low)} to"
        f" {signed(decision.high)}) than {_compared(decision)}"
    )
    visible = "" if decision.smallest_visible is None else percent(decision.smallest_visible)
    return {
        Cause.PROVEN: f"Pass (proven within {_HARM}): {figures}.",
        Cause.NOT_WORSE: f"Pass (nothing seen; would have seen {visible}): {figures}.",
        Cause.IMPROVED: f"Pass (an improvement): {figures}.",
        Cause.REGRESSION: f"Fail (a regression): {figures}.",
        Cause.SUSPICIOUS: (
            f"Suspicious, which nothing has confirmed yet: {figures}. {_needed(decision)}"
        ),
        Cause.UNDECIDED: (
            f"Undecided: {figures}; {visible} would be seen 4 times of 5. {_needed(decision)}"
        ),
    }[decision.cause]


def _compared(decision: Decision) -> str:
    if decision.rule is Rule.PAIRS:
        return f"the reference in {count(decision.pairs_used, 'interleaved pair')}"
    return count(decision.baseline_runs, "baseline run")


def _needed(decision: Decision) -> str:
    """What would find a loss of 5 %; nothing where nobody can say."""
    if decision.pairs_needed is None:
        return ""
    pairs = count(decision.pairs_needed, "more interleaved pair")
    return f"{pairs} would find a loss of {_HARM} 4 times of 5."
