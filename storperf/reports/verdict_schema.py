"""The JSON schema of a verdict; its lists of words are taken from the model."""

from __future__ import annotations

from enum import Enum
from typing import Any

from storperf.errors import ExitCode
from storperf.model.metric import METRICS
from storperf.model.verdict import CheckKind, Outcome, Reason
from storperf.model.working import LookWord, ScreenRule
from storperf.reports.verdict_document import VERDICT_SCHEMA

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
UNIT: Schema = {"enum": sorted({metric.unit for metric in METRICS.values()})}
METRIC: Schema = {"enum": list(METRICS)}


def verdict_schema() -> Schema:
    """The schema (JSON Schema 2020-12) that every verdict of this version keeps."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": VERDICT_SCHEMA,
        **verdict_body(),
    }


def verdict_body() -> Schema:
    """The same as a part of another schema."""
    return closed(
        {
            "schema": {"const": VERDICT_SCHEMA},
            "outcome": one_of(Outcome),
            "reason": one_of(Reason),
            "exit_code": one_of(ExitCode),
            "strength": TEXT,
            "sentence": TEXT,
            "enters_baseline": TRUTH,
            "checks": list_of(_check()),
        }
    )


def _check() -> Schema:
    numbers = ("baseline_value", "change", "change_low", "change_high", "smallest_visible")
    more = ("bound", "baseline_from_s", "baseline_until_s")
    return closed(
        {
            "kind": one_of(CheckKind),
            "step": TEXT,
            "side": TEXT,
            "op": or_null(TEXT),
            "metric": or_null(METRIC),
            "unit": or_null(UNIT),
            "reason": one_of(Reason),
            "outcome": one_of(Outcome),
            "sentence": TEXT,
            "limit": or_null(TEXT),
            "baseline_runs": list_of(TEXT),
            **{name: or_null(NUMBER) for name in ("value", "low", "high", *numbers, *more)},
            "since_run": or_null(TEXT),
            "is_proven": TRUTH,
            "screens": list_of(_screen()),
            "pairs": or_null(_pairs()),
        }
    )


def _screen() -> Schema:
    numbers = ("log_value", "log_centre", "shift", "prior_sigma", "prior_df", "sigma", "df")
    more = ("error", "alpha", "t", "margin", "limit", "t_interval")
    return closed(
        {
            "rule": one_of(ScreenRule),
            "value": NUMBER,
            "values": list_of(NUMBER),
            "is_kept": list_of(TRUTH),
            "centre_is": {"enum": ["mean", "median"]},
            **dict.fromkeys((*numbers, *more), NUMBER),
            "worse": {"enum": [-1, 1]},
            "own_sigma": or_null(NUMBER),
            "own_df": WHOLE,
            "prior_source": TEXT,
            "is_suspicious": TRUTH,
            "is_proven": TRUTH,
        }
    )


def _pairs() -> Schema:
    numbers = ("median", "sigma", "df", "error", "alpha", "t_worse", "t_fine", "margin", "harm")
    look = {"pairs": WHOLE, **dict.fromkeys(numbers, NUMBER), "word": one_of(LookWord)}
    return closed(
        {
            "pairs": list_of({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
            **dict.fromkeys(("run_sigma", "run_df", "expected_sigma"), NUMBER),
            "run_source": TEXT,
            "looks": list_of(closed(look)),
        }
    )


def one_of(words: type[Enum]) -> Schema:
    """One of an enumeration's words."""
    return {"enum": [word.value for word in words]}


def or_null(schema: Schema) -> Schema:
    """What the schema says, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Schema) -> Schema:
    """Any number of such."""
    return {"type": "array", "items": schema}


def closed(properties: Schema) -> Schema:
    """An object with exactly these keys, every one of them."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
