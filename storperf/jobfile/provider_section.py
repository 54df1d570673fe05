"""The keys of `provider`, of an inventory, and of each host in it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from storperf.jobfile import scalars
from storperf.jobfile.section import Section
from storperf.jobfile.section import key as _key
from storperf.jobfile.stack_section import StackSection
from storperf.model.host import HostTarget, SshHost
from storperf.model.job import LEASE_S, OnLostAgent

_Word = Annotated[str, BeforeValidator(scalars.printable(200))]
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST_KEY = re.compile(r"[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")


def _variable(value: object) -> str:
    text = scalars.printable(200)(value)
    if _VARIABLE.fullmatch(text) is None:
        raise ValueError("is no name of an environment variable; the password itself never stands")
    return text


def _host_key(value: object) -> str:
    text = " ".join(scalars.printable(20_000)(value).split()[:2])
    if _HOST_KEY.fullmatch(text) is None:
        raise ValueError("is no public key; one looks like `ssh-ed25519 AAAA...`")
    return text


def _absolute(value: object) -> str:
    text = scalars.printable(4096)(value)
    if not text.startswith(("/", "~/")):
        raise ValueError("must be an absolute path on the host, or begin with ~/")
    return text


class HostTargetSection(Section):
    """Where the I/O goes on this host, instead of the job's own."""

    directory: scalars.FilePath | None = _key("A directory; for a job whose target is one.", None)
    device: scalars.FilePath | None = _key("A block device; for a job whose target is one.", None)
    serial: _Word | None = _key("The device's serial number on this host.", None)


class HostSection(Section):
    """A machine that SSH reaches; a plain address is a host with that `address` alone."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"type": ["object", "string"]}
    )

    address: Annotated[str, BeforeValidator(scalars.host)] = _key(
        "Name or address (IPv6 too), or a `Host` of ~/.ssh/config."
    )
    name: _Word | None = _key("What to call it in messages; the address by default.", None)
    port: scalars.Port | None = _key("By default what ~/.ssh/config says, else 22.", None)
    user: _Word | None = _key("By default what ~/.ssh/config says, else who runs storperf.", None)
    key: scalars.FilePath | None = _key(
        "File of the private key, without a passphrase. By default what ~/.ssh/config says, else "
        "the SSH agent and the usual keys.",
        None,
    )
    password_file: scalars.FilePath | None = _key(
        "File whose first line is the password; nobody else may be able to read it.", None
    )
    password_env: Annotated[str, BeforeValidator(_variable)] | None = _key(
        "Name of the environment variable that holds the password.", None
    )
    host_key: Annotated[str, BeforeValidator(_host_key)] | None = _key(
        "The host's public key, such as `ssh-ed25519 AAAA...`; then nothing else is believed. By "
        "default known_hosts decides.",
        None,
    )
    sudo: scalars.Flag = _key(
        "Run the agent by `sudo -n`, which must ask for no password.", False, shown=False
    )
    python: Annotated[str, BeforeValidator(_absolute)] | None = _key(
        "Path of Python 3.9 or newer on the host; by default the first that is found.", None
    )
    folder: Annotated[str, BeforeValidator(_absolute)] | None = _key(
        "Where the agent and its journal live on the host; best not on the measured device.",
        None,
        shown="~/.local/state/storperf/agent",
    )
    target: HostTargetSection | None = _key(
        "Where the I/O goes on this host, instead of the job's path and serial.", None
    )
    reference: HostTargetSection | None = _key("The same for the job's `reference`.", None)
    labels: dict[str, _Word] = _key("Words of your own.", {})

    @model_validator(mode="before")
    @classmethod
    def _plain_address(cls, value: Any) -> Any:
        return {"address": value} if isinstance(value, str) else value


Hosts = Annotated[tuple[HostSection, ...], BeforeValidator(scalars.one_or_more)]


class InventorySection(Section):
    """An inventory file."""

    hosts: Hosts = _key("The hosts, in the order of the agents' names.")


ON_LOST_AGENT_SCHEMA = WithJsonSchema(
    {"type": "string", "enum": [choice.value for choice in OnLostAgent]}
)


class ProviderSection(Section):
    """Who hands out the machines on which fio runs."""

    kind: Literal["local", "ssh", "heat"] = _key(
        "`local`: this machine. It needs nothing else, so it is the default. `ssh`: machines that "
        "exist already, see [hosts](#hosts). `heat`: servers that are made in an OpenStack cloud, "
        "see [stack](#providerstack).",
        "local",
    )
    stack: StackSection | None = _key("What is made in the cloud; for `heat`.", None)
    fio: scalars.FilePath = _key(
        "Name or path of fio on the agent; by default what PATH finds.", "fio"
    )
    inventory: scalars.FilePath | None = _key(
        "A YAML file with `hosts`, beside the job file; for `ssh`.", None
    )
    hosts: Hosts = _key("The machines, for `ssh`: agent-01, agent-02 ... in this order.", ())
    fio_binary: scalars.FilePath | None = _key(
        "A static fio on this machine that is brought to each host, for hosts that have none; "
        "for `ssh` and `heat`.",
        None,
    )
    install_fio: scalars.Flag = _key(
        "Install fio by the host's package manager where it is missing; for `ssh` and `heat`.",
        False,
        shown=False,
    )
    on_lost_agent: Annotated[
        OnLostAgent, BeforeValidator(scalars.word(*OnLostAgent)), ON_LOST_AGENT_SCHEMA
    ] = _key(
        "What becomes of the run when an agent stays lost. `fail`: it ends, and keeps what was "
        "measured. `go_on`: the rest goes on without it; trials that lack it are `partial`, which "
        "never pass and enter no baseline. `fail` by default: a part is rarely worth the time.",
        OnLostAgent.FAIL,
        shown="fail",
    )
    patience: scalars.PatienceDuration | None = _key(
        "How long a lost agent is sought, 1s to 1d. 5m by default for `ssh` and `heat`: longer "
        "than most machines take to boot; 7s for `local`.",
        None,
    )
    lease: scalars.LeaseDuration = _key(
        "How long an agent goes on without a manager, 10s to 7d; then it stops fio and removes "
        "what it made. 30m by default: enough to notice a dead manager and to resume its run.",
        LEASE_S,
        shown="30m",
    )
    remove_agent: scalars.Flag = _key(
        "Remove the agent from each host with the run, unless another run uses it; else it stays "
        "there for the next one, and goes when nobody wanted it for 7 days. For `ssh`.",
        False,
        shown=False,
    )


def ssh_host(section: HostSection) -> SshHost:
    """The host of an entry."""
    entry = section.model_dump(exclude={"target", "reference", "labels", "local"})
    return SshHost(
        **entry,
        target=_host_target(section.target),
        reference=_host_target(section.reference),
        labels=tuple(section.labels.items()),
    )


def _host_target(section: HostTargetSection | None) -> HostTarget | None:
    path = None if section is None else section.directory or section.device
    if section is None or path is None:
        return None
    return HostTarget(path=path, serial=section.serial)
