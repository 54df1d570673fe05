"""The result document of the OPNFV TestAPI."""

from __future__ import annotations

from typing import Any

from storperf.hooks.criteria import criteria, times_s, utc, verdict_facts, violations
from storperf.hooks.older_names import flat_metrics
from storperf.hooks.yardstick import Place
from storperf.model.result import RunResult
from storperf.reports.document import plain

PROJECT = "storperf"


def opnfv_result(result: RunResult, place: Place, *, project: str, case: str) -> dict[str, Any]:
    """What is posted to `/results`; Conflict for a run that has not ended.

    Project, case and pod must be registered there.
    """
    begun_s, ended_s = times_s(result)
    document = {
        "project_name": project,
        "case_name": case,
        "pod_name": place.pod,
        "installer": place.installer,
        "version": place.version,
        "scenario": place.scenario,
        "build_tag": place.build_tag,
        "criteria": criteria(result).value,
        "start_date": utc(begun_s),
        "stop_date": utc(ended_s),
        "details": {
            **verdict_facts(result),
            "violations": violations(result),
            "metrics": flat_metrics(result),
        },
    }
    found: dict[str, Any] = plain(document)
    return found
