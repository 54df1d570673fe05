"""A machine that exists already and that SSH reaches, as an inventory names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from storperf.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTarget:
    """Where the I/O goes on one host, instead of the job's own path or serial."""

    path: str
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshHost:
    """One entry of an inventory; what is None comes from `~/.ssh/config`, or is SSH's default.

    It holds no secret: `password_file` and `password_env` say where one is.  `host_key` is a
    public key as known_hosts has it, `ssh-ed25519 AAAA...`.  `folder` is where the agent and
    its journal live on the host.
    """

    address: str
    name: str | None = None
    port: int | None = None
    user: str | None = None
    key: str | None = None
    password_file: str | None = None
    password_env: str | None = None
    host_key: str | None = None
    sudo: bool = False
    python: str | None = None
    folder: str | None = None
    target: HostTarget | None = None
    reference: HostTarget | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCheck:
    """What `storperf agent check` found at one host.

    `fault` is why no agent runs there, None when one does; `host_key` is `known`, `refused`, or
    `not_seen` when nobody got so far.  `lacks` is what a measurement there would miss: a usable
    fio, or the target that the inventory names.
    The clock's offset is the host's minus ours, in seconds.  `facts`: see agent/survey.py.
    """

    host: str
    address: str
    host_key: str
    fault: str | None = None
    lacks: tuple[str, ...] = ()
    clock_offset_s: float | None = None
    clock_uncertainty_s: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """4 without an agent, 3 when something lacks, else 0."""
        if self.fault is not None:
            return ExitCode.INFRASTRUCTURE
        return ExitCode.INCONCLUSIVE if self.lacks else ExitCode.PASS
