"""A machine that exists already and that SSH reaches, as an inventory names it."""

from __future__ import annotations

from dataclasses import dataclass


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
    labels: tuple[tuple[str, str], ...] = ()
