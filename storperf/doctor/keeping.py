"""Findings about where results are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from storperf.model.finding import Finding, Level
from storperf.units import render_bytes

Facts = dict[str, Any]

# A run of an hour writes some 10 MiB; raw output of fio may be ten times that.
_LEAST_FREE_BYTES = 100 << 20
_FEW_FREE_BYTES = 1 << 30


def keeping_findings(results: Facts, agents: Facts, targets: list[Facts]) -> Iterator[Finding]:
    """The results folder, and the agent's folder (on the local provider)."""
    yield _folder("results", results, "a run that cannot be stored is lost")
    yield _folder("agent folder", agents, "the agent writes its journal there while it measures")
    yield _journal(agents, targets)


def _folder(check: str, found: Facts, why: str) -> Finding:
    text = f"{found['path']}: {render_bytes(found['free_bytes'])} free"
    if found["examined"] != found["path"]:
        text += f", will be made in {found['examined']}"
    if not found["is_writable"]:
        text = f"{found['path']}: this user may not write in {found['examined']}"
        remedy = "give the right, or name another folder (--results, STORPERF_RESULTS)"
        if check != "results":
            remedy = "give the right, or name another folder (STORPERF_AGENTS)"
        return Finding(check=check, level=Level.PROBLEM, found=text, why=why, remedy=remedy)
    free, level = found["free_bytes"], Level.OK
    if free < _FEW_FREE_BYTES:
        level = Level.PROBLEM if free < _LEAST_FREE_BYTES else Level.WARNING
    remedy = "" if level is Level.OK else "storperf prune --older-than 90d, or make room"
    return Finding(check=check, level=level, found=text, why=why, remedy=remedy)


def _journal(agents: Facts, targets: list[Facts]) -> Finding:
    why = "the journal's own writes (a few KiB/s) are I/O on the device that is measured"
    shared = [str(each["path"]) for each in targets if each.get("device") == agents["device"]]
    if not shared:
        text = "the agent's journal lies on another device than the targets"
        return Finding(check="journal", level=Level.OK, found=text, why=why)
    return Finding(
        check="journal",
        level=Level.WARNING,
        found=f"the agent's journal lies on the device of {', '.join(shared)}",
        why=why,
        remedy="STORPERF_AGENTS on another device; for most figures it does not matter",
    )
