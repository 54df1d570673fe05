"""The provider `ssh`: machines that exist already, one agent each."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from storperf.errors import UsageError
from storperf.model.host import SshHost
from storperf.model.job import Job
from storperf.model.run import LedgerEntry
from storperf.providers.provider import AgentPlace, Errand, target_entries
from storperf.remote.connection import WIDTH
from storperf.remote.heaps import share_heaps
from storperf.remote.ssh import SshRemote, agent_root
from storperf.remote.ssh_login import find_login
from storperf.remote.staging import DEFAULT_FOLDER, StagedFile
from storperf.settings import Settings

# Bringing a static fio of some MB over a slow link takes most of it.
_ATTACH_S = 180.0
# A package manager loads its lists first.
_INSTALL_S = 900.0
# Longer than a reboot of most machines; agents go on meanwhile, and lose nothing.
_PATIENCE_S = 300.0
_MOST_BINARY_BYTES = 256 << 20


class SshProvider:
    """Hands out the job's hosts, named agent-01, agent-02 ... in the order of the list."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # How many logins of one address go on at once; sshd drops more (ADR 9).
        self._gates: dict[str, threading.BoundedSemaphore] = {}

    def ledger(self, run_id: str, job: Job) -> tuple[LedgerEntry, ...]:
        """What a run will create, by name, before it does."""
        entries: list[LedgerEntry] = []
        for place, host in zip(self._places(job), self._hosts(job), strict=True):
            root = agent_root(host.folder or DEFAULT_FOLDER, place.name, is_root=host.sudo)
            where = f"{host.name or host.address}:{root}/runs/{run_id}"
            entries.append(LedgerEntry(name=f"{run_id}/{place.name}", kind="agent", where=where))
            entries += target_entries(run_id, place, job)
        return tuple(entries)

    def acquire(self, job: Job, errand: Errand) -> tuple[AgentPlace, ...]:
        """The first hosts of the list, as many as the widest step needs."""
        del errand
        return self._places(job)

    def release(self, job: Job, errand: Errand) -> list[str]:
        """The hosts were there before."""
        del job, errand
        return []

    def vanishes(self, job: Job) -> bool:
        """Its hosts stay."""
        del job
        return False

    def _places(self, job: Job) -> tuple[AgentPlace, ...]:
        if len(self._hosts(job)) > WIDTH:
            share_heaps()
        binary = fio_binary(job.provider.fio_binary)
        attach_s = _INSTALL_S if job.provider.install_fio else _ATTACH_S
        return tuple(
            AgentPlace(
                name=agent_name(number),
                remote=self.remote(
                    host,
                    fio=job.provider.fio,
                    binary=binary,
                    installs=job.provider.install_fio,
                    place=agent_name(number),
                ),
                attach_s=attach_s,
                patience_s=patience_s(job),
                lease_s=job.provider.lease_s,
                target=host.target,
                reference=host.reference,
                leaves=job.provider.remove_agent,
            )
            for number, host in enumerate(self._hosts(job), start=1)
        )

    def remote(
        self,
        host: SshHost,
        *,
        fio: str = "fio",
        binary: StagedFile | None = None,
        installs: bool = False,
        place: str = "",
    ) -> SshRemote:
        """The way to one host, whose login is looked up when it connects."""
        gate = self._gates.setdefault(host.address, threading.BoundedSemaphore(WIDTH))
        home, environment = self._settings.home, self._settings.environment
        return SshRemote(
            host,
            login=partial(find_login, host, home, environment),
            gate=gate,
            fio=fio,
            binary=binary,
            installs_fio=installs,
            place=place,
        )

    @staticmethod
    def _hosts(job: Job) -> Sequence[SshHost]:
        hosts, wanted = job.provider.hosts, max(job.matrix.agents)
        if len(hosts) < wanted:
            raise UsageError(
                f"matrix.agents asks for {wanted} agents, and provider ssh has {len(hosts)} hosts"
            )
        return hosts[:wanted]


def agent_name(number: int) -> str:
    """The name of an agent in results and series, which stays the same from night to night."""
    return f"agent-{number:02}"


def patience_s(job: Job) -> float:
    """How long a lost agent on another machine is sought."""
    asked = job.provider.patience_s
    return _PATIENCE_S if asked is None else asked


def fio_binary(path: str | None) -> StagedFile | None:
    """The job's own fio as it is brought to hosts; UsageError when it is no program."""
    if path is None:
        return None
    try:
        with Path(path).open("rb") as source:
            content = source.read(_MOST_BINARY_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read provider.fio_binary {path}: {error.strerror}") from error
    if not content.startswith(b"\x7fELF") or len(content) > _MOST_BINARY_BYTES:
        raise UsageError(f"provider.fio_binary {path} is no program for Linux (ELF)")
    sha256 = hashlib.sha256(content).hexdigest()
    return StagedFile(name=f"fio-{sha256[:16]}", sha256=sha256, content=content, mode=0o700)
