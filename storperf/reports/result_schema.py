"""The JSON schema of a result document; its lists of words are taken from the model."""

from __future__ import annotations

from dataclasses import fields

from storperf.errors import ExitCode
from storperf.model.ending import EndRule, Need
from storperf.model.host_load import HostReason
from storperf.model.host_row import HostMeans
from storperf.model.run import Flag, Phase, RunState, Steadiness, TrialEnd, TrialState
from storperf.model.verdict import Outcome
from storperf.reports.document import SCHEMA_NAME
from storperf.reports.verdict_schema import (
    METRIC,
    NUMBER,
    TEXT,
    TRUTH,
    UNIT,
    WHOLE,
    Schema,
    closed,
    list_of,
    one_of,
    or_null,
    verdict_body,
)

_COUNT: Schema = {"type": "integer", "minimum": 0}
_FACTS: Schema = {"type": "object"}


def result_schema() -> Schema:
    """The schema (JSON Schema 2020-12) that every result document of this version keeps."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA_NAME,
        **closed(
            {
                "schema": {"const": SCHEMA_NAME},
                "run": _run(),
                "job": _job(),
                "verdict": or_null(verdict_body()),
                "steps": list_of(_step()),
                "environment": _FACTS,
                "sinks": _FACTS,
            }
        ),
    }


def _run() -> Schema:
    return closed(
        {
            "id": TEXT,
            "title": or_null(TEXT),
            "state": one_of(RunState),
            "phase": or_null(one_of(Phase)),
            "created_s": NUMBER,
            "ended_s": or_null(NUMBER),
            "exit_code": or_null(one_of(ExitCode)),
            "verdict": or_null(one_of(Outcome)),
            "reason": or_null(TEXT),
            "manager": _FACTS,
            "facts": _FACTS,
        }
    )


def _job() -> Schema:
    return closed(
        {
            "name": TEXT,
            "lab": TEXT,
            "repeats": _COUNT,
            "runtime_s": NUMBER,
            "until_steady": TRUTH,
            "until": list_of(one_of(EndRule)),
            "until_need": one_of(Need),
            "interval_s": NUMBER,
            "limits": list_of(TEXT),
            "baseline_runs": _COUNT,
            "text": TEXT,
        }
    )


def _step() -> Schema:
    return closed(
        {
            "key": TEXT,
            "workload": TEXT,
            "options": list_of(closed({"name": TEXT, "value": TEXT})),
            "block_size_bytes": _COUNT,
            "queue_depth": _COUNT,
            "numjobs": _COUNT,
            "agents": _COUNT,
            "judged_metric": METRIC,
            "fingerprint": TEXT,
            "measuring": {"type": "object", "additionalProperties": TEXT},
            "trials": list_of(_trial()),
        }
    )


def _trial() -> Schema:
    return closed(
        {
            "id": TEXT,
            "side": TEXT,
            "session": WHOLE,
            "repeat": WHOLE,
            "attempt": WHOLE,
            "state": one_of(TrialState),
            "end": or_null(one_of(TrialEnd)),
            "end_reason": or_null(TEXT),
            "steadiness": or_null(one_of(Steadiness)),
            "steady_figures": list_of(_steady_figures()),
            "flags": list_of(one_of(Flag)),
            "started_s": or_null(NUMBER),
            "ended_s": or_null(NUMBER),
            "host": list_of(_host_finding()),
            "hosts": list_of(_host()),
            "facts": _FACTS,
            "figures": list_of(_figure()),
        }
    )


def _host() -> Schema:
    means = [each.name for each in fields(HostMeans)]
    return closed(
        {
            "host": TEXT,
            "is_observed": TRUTH,
            **{name: or_null(NUMBER) for name in means},
            "probes": list_of(
                closed(
                    {
                        "figure": TEXT,
                        **dict.fromkeys(("mean", "lowest", "highest"), NUMBER),
                        "samples": _COUNT,
                    }
                )
            ),
            "probe_runs": list_of(
                closed(
                    {
                        "probe": TEXT,
                        **dict.fromkeys(("samples", "failures", "skipped"), _COUNT),
                        "why": TEXT,
                        "status": or_null({"enum": [0, 1, 2, 3]}),
                        "text": or_null(TEXT),
                        "units": or_null({"type": "object", "additionalProperties": TEXT}),
                    }
                )
            ),
            "gaps_s": list_of({"type": "array", "items": NUMBER}),
        }
    )


def _steady_figures() -> Schema:
    maybe = ("drift", "drift_low", "drift_high", "snia_range", "snia_excursion")
    return closed(
        {
            "warmup_s": or_null(NUMBER),
            "kept_s": or_null(NUMBER),
            "metric": TEXT,
            "op": TEXT,
            "average": or_null(NUMBER),
            **{name: or_null(NUMBER) for name in maybe},
            "snia_steady": or_null(TRUTH),
            "sentence": TEXT,
        }
    )


def _host_finding() -> Schema:
    return closed(
        {
            "agent": TEXT,
            "reason": one_of(HostReason),
            "flag": one_of(Flag),
            "value": NUMBER,
            "threshold": NUMBER,
            "sentence": TEXT,
        }
    )


def _figure() -> Schema:
    return closed(
        {
            "op": TEXT,
            "agent": TEXT,
            "metric": METRIC,
            "unit": UNIT,
            "value": or_null(NUMBER),
            "low": or_null(NUMBER),
            "high": or_null(NUMBER),
        }
    )
