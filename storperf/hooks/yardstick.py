"""The result document of Yardstick, as its dispatchers write and send it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storperf.hooks.criteria import criteria, times_s, verdict_facts, violations
from storperf.hooks.older_names import flat_metrics
from storperf.model.result import RunResult
from storperf.reports.document import plain

CASE = "opnfv_yardstick_tc074"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the run was made, in the words of OPNFV's tools; they say `unknown` for what is not."""

    pod: str = "unknown"
    installer: str = "unknown"
    version: str = "unknown"
    scenario: str = "unknown"
    build_tag: str = "none"


def yardstick_document(result: RunResult, place: Place, case: str) -> dict[str, Any]:
    """One task with one test case; Conflict for a run that has not ended.

    `data` is the flat map of its StorPerf scenario, with our verdict beside the figures; `errors`
    holds all violations in one message, as its own checks of an SLA join them.
    """
    word = criteria(result).value
    record = {
        "timestamp": f"{times_s(result)[1]:.6f}",
        "sequence": 1,
        "data": {**flat_metrics(result), **verdict_facts(result)},
        "errors": violations(result),
    }
    document = {
        "status": 1,
        "result": {
            "criteria": word,
            "task_id": result.run.id,
            "info": {
                "deploy_scenario": place.scenario,
                "installer": place.installer,
                "pod_name": place.pod,
                "version": place.version,
            },
            "testcases": {case: {"criteria": word, "tc_data": [record]}},
        },
    }
    found: dict[str, Any] = plain(document)
    return found
