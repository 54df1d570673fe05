"""The provider `local`: one agent, this machine, as the user who asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storperf.errors import UsageError
from storperf.model.job import Job
from storperf.model.run import LedgerEntry
from storperf.remote.local import LocalRemote


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlace:
    """Where an agent is: its name in results, and how to reach it."""

    name: str
    remote: LocalRemote


class LocalProvider:
    """Hands out this machine; nothing is created outside that its ledger does not name."""

    def __init__(self, agents_root: Path) -> None:
        self._root = agents_root

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """What a run will create, by name, before it does."""
        where = str(self._root / "runs" / run_id)
        agent = LedgerEntry(name=f"{run_id}/agent-01", kind="agent", where=where)
        targets = tuple(
            LedgerEntry(
                name=f"{run_id}/agent-01/{side.name}/target-{index}",
                kind=f"{target.kind}-target",
                where=target.path,
            )
            for side in job.sides
            for index, target in enumerate(side.targets)
        )
        return (agent, *targets)

    def acquire(self, job: Job) -> tuple[AgentPlace, ...]:
        """The agents; asking again gives the same."""
        if max(job.matrix.agents) > 1:
            raise UsageError(
                "provider local has one agent, this machine; matrix.agents must be [1]"
            )
        return (AgentPlace(name="agent-01", remote=LocalRemote(self._root)),)
