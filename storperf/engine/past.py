"""What an agent's journal tells of the preconditioning that was done already."""

from __future__ import annotations

from dataclasses import dataclass

from storperf.engine.agents import Agent
from storperf.engine.trial_end import explain_end

FILL = "fill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Of a thing such as the fill: the `attempt` to make or to go on with.

    `is_done`: it was done to its end, and nothing undid it.  `attempt` is then the one that was.
    """

    attempt: int
    is_done: bool


def past_of(agent: Agent, trial: str) -> Past:
    """What came of the attempts so far.

    They are worth nothing once a target was made anew, or purged.  A fill that an earlier run
    left on a device is none of this run's, but done.
    """
    attempt, is_done, is_open = 0, False, False
    for record in agent.journal.records():
        kind = record["kind"]
        if kind in {"target_created", "purged"}:
            is_done = False
        elif kind == "fill_proven" and trial == FILL:
            is_done = True
        elif record.get("trial") == trial and kind == "trial_started":
            attempt, is_open = record["attempt"], True
        elif record.get("trial") == trial and kind == "trial_ended":
            is_open = False
            is_done = explain_end(record) is None
    return Past(attempt=attempt if is_open or is_done else attempt + 1, is_done=is_done)


def has_measured(agent: Agent) -> bool:
    """Whether a trial was started already: what it wrote or trimmed is no matter of the fill."""
    return any(
        record["kind"] in {"trial_held", "trial_started"} and record["what"] == "measure"
        for record in agent.journal.records()
    )


def was_purged(agent: Agent) -> bool:
    """Whether the devices were discarded in this run."""
    return any(record["kind"] == "purged" for record in agent.journal.records())
