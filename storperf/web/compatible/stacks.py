"""Stacks that outlive their runs: one run makes the stack, the next ones use it."""

from __future__ import annotations

import threading
from typing import Any

from storperf import clouds
from storperf.deadline import Deadline
from storperf.errors import InfrastructureError, UnknownName, UsageError
from storperf.model.configuration import Configuration
from storperf.model.ending import ConfirmWhen
from storperf.model.queued import EntryState, QueueEntry
from storperf.model.run import Run
from storperf.queueing import asking
from storperf.queueing.entries import entry_of
from storperf.web.compatible.heat_job import making_text
from storperf.web.compatible.starting import Compatible

# As long as the stack itself may take (30 min), its agents (10 min), and some time to queue.
_PATIENCE_S = 3600.0
_LOOK_S = 1.0
_OPEN = (EntryState.QUEUED, EntryState.RUNNING)


def make(by: Compatible, wanted: Configuration, who: str) -> dict[str, Any]:
    """Make the stack, wait until every agent can measure, and give what is known of it.

    UsageError with Heat's reasons when it does not come up; what was made is deleted then.
    """
    stack = wanted.facts.get("stack")
    text = making_text(wanted.name, wanted.parameters, stack if isinstance(stack, dict) else {})
    entry = asking.submit(
        by.settings,
        by.store,
        text,
        submitted_by=who,
        title=f"makes the stack {wanted.name}",
        confirm=ConfirmWhen.NEVER,
    )
    by.wake()
    ended = _wait(by, entry.run_id)
    run = _run_of(by, entry.run_id)
    made = {} if run is None else run.facts.get("stack")
    if not isinstance(made, dict) or "id" not in made or ended.exit_code not in {0, 1, 3}:
        why = ended.reason or (None if run is None else run.reason) or "it did not come up"
        raise UsageError(f"ERROR: {why}")
    agents = made.get("agents")
    return {
        "stack_id": made["id"],
        "run": entry.run_id,
        "slave_addresses": _addresses(agents if isinstance(agents, dict) else {}),
    }


def delete(by: Compatible, found: Configuration) -> None:
    """Delete the stack; InfrastructureError with what could not be deleted."""
    stack = found.facts.get("stack")
    cloud = stack.get("cloud") if isinstance(stack, dict) else None
    done = clouds.delete_kept(by.settings, found.name, cloud)
    faults = [each.fault for each in done if each.fault]
    if faults:
        raise InfrastructureError("ERROR: " + "; ".join(faults))


def _wait(by: Compatible, run_id: str) -> QueueEntry:
    deadline = Deadline.after(_PATIENCE_S)
    pause = threading.Event()
    while not deadline.is_over:
        entry = entry_of(by.store, run_id)
        if entry.state not in _OPEN:
            return entry
        pause.wait(min(_LOOK_S, deadline.remaining_s()))
    by.cancel(run_id)
    raise UsageError(f"ERROR: the stack was not there after {_PATIENCE_S:g} s")


def _run_of(by: Compatible, run_id: str) -> Run | None:
    try:
        return by.store.get_run(run_id)
    except UnknownName:
        return None


def _addresses(agents: dict[str, Any]) -> list[str]:
    return [str(facts["address"]) for facts in agents.values() if "address" in facts]
