"""The hosts of `observe`: places of agents that run no fio, beside those of any provider."""

from __future__ import annotations

from storperf.model.job import Job
from storperf.model.probe import ObservedHost, observed_name
from storperf.model.run import LedgerEntry
from storperf.providers.provider import AgentPlace, Errand
from storperf.providers.ssh import SshProvider
from storperf.remote.local import LocalRemote
from storperf.remote.seam import Remote
from storperf.remote.staging import DEFAULT_FOLDER
from storperf.settings import Settings

# A run begins without those that do not answer, so nobody waits for them for long.
_ATTACH_S = 10.0
_CALL_S = 15.0


class ObservedHosts:
    """Hands them out, named observed-01, observed-02 ... in the order of the list."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.agents
        self._ssh = SshProvider(settings)

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """What a run will create, by name, before it does."""
        return tuple(
            LedgerEntry(
                name=f"{run_id}/{observed_name(number)}",
                kind="observer",
                where=self._where(each, observed_name(number), run_id),
            )
            for number, each in enumerate(job.observe, start=1)
        )

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The places in the order of their names; asking again gives the same."""
        del errand
        return tuple(
            AgentPlace(
                name=observed_name(number),
                remote=self._remote(each, observed_name(number)),
                attach_s=_ATTACH_S,
                call_s=_CALL_S,
                leaves=job.provider.remove_agent,
            )
            for number, each in enumerate(job.observe, start=1)
        )

    def release(self, job: Job, errand: Errand) -> list[str]:
        """Nothing was made."""
        del job, errand
        return []

    def vanishes(self, job: Job) -> bool:
        """Its hosts stay."""
        del job
        return False

    def _remote(self, observed: ObservedHost, name: str) -> Remote:
        if observed.host is None:
            return LocalRemote(self._root / name)
        return self._ssh.remote(observed.host, place=name)

    def _where(self, observed: ObservedHost, name: str, run_id: str) -> str:
        host = observed.host
        if host is None:
            return str(self._root / name / "runs" / run_id)
        folder = host.folder or DEFAULT_FOLDER
        return f"{host.name or host.address}:{folder}/{name}/runs/{run_id}"
