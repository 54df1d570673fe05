"""The JSON schema of a result document; its lists of words are taken from the model."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any

from storperf.errors import ExitCode
from storperf.model.ending import EndRule, Need
from storperf.model.host_load import HostReason
from storperf.model.host_row import HostMeans
from storperf.model.metric import METRICS
from storperf.model.run import Flag, Phase, RunState, Steadiness, TrialEnd, TrialState
from storperf.model.verdict import CheckKind, Outcome, Reason
from storperf.reports.document import SCHEMA_NAME

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TRUTH: Schema = {"type": "boolean"}
_FACTS: Schema = {"type": "object"}
_UNIT: Schema = {"enum": sorted({metric.unit for metric in METRICS.values()})}


def result_schema() -> Schema:
    """The schema (JSON Schema 2020-12) that every result document of this version keeps."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA_NAME,
        **_closed(
            {
                "schema": {"const": SCHEMA_NAME},
                "run": _run(),
                "job": _job(),
                "verdict": _or_null(_verdict()),
                "steps": _list_of(_step()),
                "environment": _FACTS,
                "sinks": _FACTS,
            }
        ),
    }


def _run() -> Schema:
    return _closed(
        {
            "id": _TEXT,
            "title": _or_null(_TEXT),
            "state": _one_of(RunState),
            "phase": _or_null(_one_of(Phase)),
            "created_s": _NUMBER,
            "ended_s": _or_null(_NUMBER),
            "exit_code": _or_null(_one_of(ExitCode)),
            "verdict": _or_null(_one_of(Outcome)),
            "reason": _or_null(_TEXT),
            "manager": _FACTS,
            "facts": _FACTS,
        }
    )


def _job() -> Schema:
    return _closed(
        {
            "name": _TEXT,
            "lab": _TEXT,
            "repeats": _COUNT,
            "runtime_s": _NUMBER,
            "until_steady": _TRUTH,
            "until": _list_of(_one_of(EndRule)),
            "until_need": _one_of(Need),
            "interval_s": _NUMBER,
            "limits": _list_of(_TEXT),
            "baseline_runs": _COUNT,
            "text": _TEXT,
        }
    )


def _verdict() -> Schema:
    return _closed(
        {
            "outcome": _one_of(Outcome),
            "reason": _one_of(Reason),
            "exit_code": _one_of(ExitCode),
            "sentence": _TEXT,
            "enters_baseline": _TRUTH,
            "checks": _list_of(_check()),
        }
    )


def _check() -> Schema:
    numbers = ("baseline_value", "change", "change_low", "change_high", "smallest_visible")
    return _closed(
        {
            "kind": _one_of(CheckKind),
            "step": _TEXT,
            "side": _TEXT,
            "op": _or_null(_TEXT),
            "metric": _or_null(_metric()),
            "unit": _or_null(_UNIT),
            "reason": _one_of(Reason),
            "outcome": _one_of(Outcome),
            "sentence": _TEXT,
            "limit": _or_null(_TEXT),
            "baseline_runs": _list_of(_TEXT),
            "since_run": _or_null(_TEXT),
            **{name: _or_null(_NUMBER) for name in ("value", "low", "high", *numbers)},
        }
    )


def _step() -> Schema:
    return _closed(
        {
            "key": _TEXT,
            "workload": _TEXT,
            "options": _list_of(_closed({"name": _TEXT, "value": _TEXT})),
            "block_size_bytes": _COUNT,
            "queue_depth": _COUNT,
            "numjobs": _COUNT,
            "agents": _COUNT,
            "judged_metric": _metric(),
            "fingerprint": _TEXT,
            "measuring": {"type": "object", "additionalProperties": _TEXT},
            "trials": _list_of(_trial()),
        }
    )


def _trial() -> Schema:
    return _closed(
        {
            "id": _TEXT,
            "side": _TEXT,
            "session": _WHOLE,
            "repeat": _WHOLE,
            "attempt": _WHOLE,
            "state": _one_of(TrialState),
            "end": _or_null(_one_of(TrialEnd)),
            "end_reason": _or_null(_TEXT),
            "steadiness": _or_null(_one_of(Steadiness)),
            "steady_figures": _list_of(_steady_figures()),
            "flags": _list_of(_one_of(Flag)),
            "started_s": _or_null(_NUMBER),
            "ended_s": _or_null(_NUMBER),
            "host": _list_of(_host_finding()),
            "hosts": _list_of(_host()),
            "facts": _FACTS,
            "figures": _list_of(_figure()),
        }
    )


def _host() -> Schema:
    means = [each.name for each in fields(HostMeans)]
    return _closed(
        {
            "host": _TEXT,
            "is_observed": _TRUTH,
            **{name: _or_null(_NUMBER) for name in means},
            "probes": _list_of(
                _closed(
                    {
                        "figure": _TEXT,
                        **dict.fromkeys(("mean", "lowest", "highest"), _NUMBER),
                        "samples": _COUNT,
                    }
                )
            ),
            "probe_runs": _list_of(
                _closed(
                    {
                        "probe": _TEXT,
                        **dict.fromkeys(("samples", "failures", "skipped"), _COUNT),
                        "why": _TEXT,
                        "status": _or_null({"enum": [0, 1, 2, 3]}),
                        "text": _or_null(_TEXT),
                        "units": _or_null({"type": "object", "additionalProperties": _TEXT}),
                    }
                )
            ),
            "gaps_s": _list_of({"type": "array", "items": _NUMBER}),
        }
    )


def _steady_figures() -> Schema:
    maybe = ("drift", "drift_low", "drift_high", "snia_range", "snia_excursion")
    return _closed(
        {
            "warmup_s": _or_null(_NUMBER),
            "kept_s": _or_null(_NUMBER),
            "metric": _TEXT,
            "op": _TEXT,
            "average": _or_null(_NUMBER),
            **{name: _or_null(_NUMBER) for name in maybe},
            "snia_steady": _or_null(_TRUTH),
            "sentence": _TEXT,
        }
    )


def _host_finding() -> Schema:
    return _closed(
        {
            "agent": _TEXT,
            "reason": _one_of(HostReason),
            "flag": _one_of(Flag),
            "value": _NUMBER,
            "threshold": _NUMBER,
            "sentence": _TEXT,
        }
    )


def _figure() -> Schema:
    return _closed(
        {
            "op": _TEXT,
            "agent": _TEXT,
            "metric": _metric(),
            "unit": _UNIT,
            "value": _or_null(_NUMBER),
            "low": _or_null(_NUMBER),
            "high": _or_null(_NUMBER),
        }
    )


def _metric() -> Schema:
    return {"enum": list(METRICS)}


def _one_of(words: type[Enum]) -> Schema:
    return {"enum": [word.value for word in words]}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _closed(properties: Schema) -> Schema:
    """An object with exactly these keys, every one of them."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
