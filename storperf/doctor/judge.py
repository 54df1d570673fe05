"""From facts to findings: pure, in the order that a person should read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storperf.doctor.activity import activity_findings
from storperf.doctor.host import host_findings
from storperf.doctor.keeping import keeping_findings
from storperf.doctor.load_engine import load_engine_findings
from storperf.doctor.openstack import openstack_findings
from storperf.doctor.target import server_findings, target_findings
from storperf.doctor.wanted import Wanted
from storperf.model.finding import Examination, Finding

Facts = dict[str, Any]


def judge_fitness(
    facts: Facts, results: Facts, agents: Facts, wanted: Wanted, openstack: Facts | None = None
) -> Examination:
    """What an agent's facts mean for what is wanted; `facts["targets"]` are in its order.

    `results` and `agents` are facts of the folders where results and journals are kept; `openstack`
    is None unless somebody asked for it.
    """
    targets: Sequence[Facts] = facts["targets"]
    findings: list[Finding] = [*load_engine_findings(facts, wanted)]
    for found, target in zip(targets, wanted.targets, strict=True):
        needed = _needed_bytes(targets, wanted, found)
        findings += target_findings(found, target, wanted, needed)
    findings += server_findings(wanted)
    findings += host_findings(facts, wanted)
    findings += activity_findings(facts["activity"])
    findings += keeping_findings(results, agents, list(targets))
    findings += openstack_findings(openstack, wanted.provider)
    return Examination(
        job=wanted.job,
        targets=tuple(target.path for target in wanted.targets),
        findings=tuple(findings),
        facts={**facts, "results": results, "agents": agents, "openstack": openstack},
    )


def _needed_bytes(targets: Sequence[Facts], wanted: Wanted, found: Facts) -> int:
    """What all targets in the same file system take together."""
    return sum(
        target.size_bytes or 0
        for other, target in zip(targets, wanted.targets, strict=True)
        if other.get("device") == found.get("device")
    )
