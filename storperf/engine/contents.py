"""What the targets hold before something is measured there, as the agents find it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from storperf.engine.agents import Agent
from storperf.engine.context import RunContext
from storperf.model.job import Op, Step
from storperf.model.target import TargetKind

Record = dict[str, Any]

# A span of which 5 % was never written escapes so many samples 1 time in 27 (0.95 ** 64), one
# of which 10 % was not, 1 time in 850.  A file's map misses nothing.
SAMPLES = 64
# Of a target that only fio reaches: nothing can be looked at.
NOT_KNOWN: Record = {
    "samples": 0,
    "zero_samples": 0,
    "first_zero": None,
    "sha256": None,
    "unwritten_bytes": None,
    "hole_bytes": None,
    "map": "unknown",
}


def places(context: RunContext) -> dict[str, int]:
    """Where this run looks at its targets."""
    digest = hashlib.sha256(context.run_id.encode()).digest()
    return {"samples": SAMPLES, "seed": int.from_bytes(digest[:6], "big")}


def inspect(context: RunContext, agent: Agent) -> list[Record | None]:
    """What each target on this agent holds, by its number; None for the null engine."""
    found: list[Record | None] = agent.call("inspect", **places(context))["targets"]
    return [
        NOT_KNOWN if target.kind.is_remote else each
        for each, target in zip(found, context.targets(), strict=True)
    ]


def explain_unwritten(found: Record | None) -> str | None:
    """What of a target was never written, in words; None when all that was looked at is data."""
    if found is None:
        return None
    never = (found["unwritten_bytes"] or 0) + (found["hole_bytes"] or 0)
    if never:
        return f"{never} bytes of its file were never written"
    if found["zero_samples"]:
        return f"{found['zero_samples']} of {found['samples']} blocks looked at are all zero"
    return None


def is_in_question(context: RunContext, step: Step) -> bool:
    """Whether a step reads from targets that need not be filled.

    Nobody filled them, others trim, or a host went down and came back meanwhile.
    """
    if Op.READ not in step.workload.ops:
        return False
    if all(target.kind is TargetKind.NULL for target in context.targets()):
        return False
    trims = any(Op.TRIM in other.workload.ops for other in context.plan.steps)
    is_unsure = any(agent.was_replaced for agent in context.agents_of(step))
    return trims or is_unsure or not context.job.precondition.fill


def unwritten_of(found: Iterable[Record | None]) -> list[str]:
    """What was never written, a sentence a target."""
    said = map(explain_unwritten, found)
    return [f"target-{number}: {words}" for number, words in enumerate(said) if words]


def unknown_of(found: Iterable[Record | None]) -> list[str]:
    """The targets of which nothing can be said, a sentence each."""
    return [
        f"target-{number}: only its server can tell what it holds"
        for number, each in enumerate(found)
        if each is not None and each["map"] == NOT_KNOWN["map"]
    ]
