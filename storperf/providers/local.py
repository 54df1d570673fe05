"""The provider `local`: one agent, this machine, as the user who asks."""

from __future__ import annotations

from storperf.errors import UsageError
from storperf.model.job import Job
from storperf.model.run import LedgerEntry
from storperf.providers.provider import PATIENCE_S, AgentPlace, Errand, target_entries
from storperf.remote.local import LocalRemote
from storperf.settings import Settings


class LocalProvider:
    """Hands out this machine; nothing is created outside that its ledger does not name."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.agents

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """What a run will create, by name, before it does."""
        place = self._place(job)
        where = str(self._root / "runs" / run_id)
        agent = LedgerEntry(name=f"{run_id}/{place.name}", kind="agent", where=where)
        return (agent, *target_entries(run_id, place, job))

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The agents; asking again gives the same."""
        del errand
        if max(job.matrix.agents) > 1:
            raise UsageError(
                "provider local has one agent, this machine; matrix.agents must be [1]"
            )
        return (self._place(job),)

    def release(self, job: Job, errand: Errand) -> list[str]:
        """Nothing was made."""
        del job, errand
        return []

    def vanishes(self, job: Job) -> bool:
        """Its hosts stay."""
        del job
        return False

    def _place(self, job: Job) -> AgentPlace:
        asked = job.provider.patience_s
        return AgentPlace(
            name="agent-01",
            remote=LocalRemote(self._root),
            patience_s=PATIENCE_S if asked is None else asked,
            lease_s=job.provider.lease_s,
        )
