"""Decisions on plain numbers, for a program and for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from storperf.errors import ExitCode, worst
from storperf.model.decision import Cause, Decision
from storperf.model.verdict import Outcome
from storperf.reports.clean import line

JUDGEMENT_SCHEMA = "storperf-judgement/1"
CASES_SCHEMA = "storperf-judged-cases/1"
CASE_SCHEMA = "storperf-judged-case/1"
INTERVAL_LEVEL = 0.95
_CODES = {
    Outcome.PASS: ExitCode.PASS,
    Outcome.FAIL: ExitCode.FAIL,
    Outcome.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}
# Of several causes with the same exit code, the first speaks for all.
_ORDER = (
    Cause.REGRESSION,
    Cause.INVALID,
    Cause.SUSPICIOUS,
    Cause.UNDECIDED,
    Cause.TOO_FEW,
    Cause.NO_BASELINE,
    Cause.NOT_WORSE,
    Cause.PROVEN,
    Cause.IMPROVED,
)


def exit_code(decisions: Sequence[Decision]) -> ExitCode:
    """The exit code of several decisions, as a run of theirs would end."""
    return worst([_CODES[each.cause.outcome] for each in decisions])


def deciding(decisions: Sequence[Decision]) -> Decision:
    """The one whose cause speaks for all."""
    code = exit_code(decisions)
    ending = [each for each in decisions if _CODES[each.cause.outcome] is code]
    return min(ending, key=lambda each: _ORDER.index(each.cause))


def decision_document(decision: Decision) -> dict[str, Any]:
    """One decision; changes are shares, -0.12 is 12 % less."""
    has_interval = decision.low is not None and decision.high is not None
    return {
        "verdict": decision.cause.outcome.value,
        "reason": decision.cause.value,
        "sentence": decision.sentence,
        "rule": decision.rule.value,
        "change": decision.change,
        "interval": [decision.low, decision.high] if has_interval else None,
        "p": decision.p,
        "smallest_visible_change": decision.smallest_visible,
        "baseline_runs": decision.baseline_runs,
        "runs_used": decision.runs_used,
        "pairs_used": decision.pairs_used,
        "pairs_needed": decision.pairs_needed,
        "runs_needed": decision.runs_needed,
        "notes": list(decision.notes),
    }


def case_document(decision: Decision) -> dict[str, Any]:
    """One case of a table, to be one line of JSON."""
    return {"schema": CASE_SCHEMA, "case": decision.case, **decision_document(decision)}


def cases_document(decisions: Sequence[Decision]) -> dict[str, Any]:
    """All cases of a table in one document."""
    return {
        "schema": CASES_SCHEMA,
        "exit_code": int(exit_code(decisions)),
        "interval_level": INTERVAL_LEVEL,
        "cases": [{"case": each.case, **decision_document(each)} for each in decisions],
    }


def judgement_document(decisions: Sequence[Decision]) -> dict[str, Any]:
    """The decision that speaks for all, and each metric's own."""
    return {
        "schema": JUDGEMENT_SCHEMA,
        "exit_code": int(exit_code(decisions)),
        "interval_level": INTERVAL_LEVEL,
        "metric": deciding(decisions).case or None,
        **decision_document(deciding(decisions)),
        "metrics": [{"metric": each.case or None, **decision_document(each)} for each in decisions],
    }


def decision_lines(decisions: Sequence[Decision]) -> list[str]:
    """A sentence for each decision that is no plain pass, and how many there are of each."""
    told = [each for each in decisions if each.cause.outcome is not Outcome.PASS]
    lines = [_told(each) for each in (decisions if len(decisions) == 1 else told)]
    if len(decisions) > 1:
        counted = Counter(each.cause.outcome for each in decisions)
        lines.append(", ".join(f"{counted[outcome]} {outcome}" for outcome in Outcome))
    return lines


def _told(decision: Decision) -> str:
    name = line(decision.case)
    return f"{name}: {decision.sentence}" if name else decision.sentence
