"""A verdict as plain values of a stable, versioned form (docs/reference/verdict.md)."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from storperf.model.metric import METRICS
from storperf.model.verdict import Check, Verdict

VERDICT_SCHEMA = "storperf-verdict/1"


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """The verdict with every check and its working; values of the model, not yet plain."""
    return {
        "schema": VERDICT_SCHEMA,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "exit_code": int(verdict.exit_code),
        "strength": verdict.strength,
        "sentence": verdict.sentence,
        "enters_baseline": verdict.enters_baseline,
        "checks": [_check(check) for check in verdict.checks],
    }


def _check(check: Check) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for field in fields(check):
        document[field.name] = getattr(check, field.name)
        if field.name == "metric":
            document["unit"] = None if check.metric is None else METRICS[check.metric].unit
        if field.name == "reason":
            document["outcome"] = check.reason.outcome
    document["screens"] = [asdict(each) for each in check.screens]
    document["pairs"] = None if check.pairs is None else asdict(check.pairs)
    return document
