"""How to log in at a host: the inventory's word first, then the user's `~/.ssh/config`."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storperf.errors import UsageError
from storperf.model.host import SshHost
from storperf.remote.ssh_config import read_ssh_config

DEFAULT_PORT = 22
_DEFAULT_KNOWN = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_SYSTEM_KNOWN = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_OF_OTHERS = 0o077
_LONGEST_PASSWORD = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Everything that a connection needs.  `known_as` is the host's name in known_hosts.

    Without `key_files` and without `password` the SSH agent and the user's usual keys are
    tried.  With `host_key` nothing else is believed.
    """

    address: str
    port: int
    user: str
    known_as: str
    known_files: tuple[Path, ...]
    host_key: str | None
    key_files: tuple[str, ...]
    uses_agent: bool
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        where = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.user}@{where}:{self.port}"


def find_login(host: SshHost, home: Path, environment: Mapping[str, str]) -> Login:
    """The login for a host of an inventory; UsageError when it cannot be made out."""
    said = _ssh_config(home / ".ssh/config", host)
    _refuse_jump(host, said)
    address = _one(said, "hostname") or host.address
    port = host.port or int(_one(said, "port") or DEFAULT_PORT)
    alias = _one(said, "hostkeyalias")
    password = _password(host, environment)
    key_files = (host.key,) if host.key else _identity_files(said)
    if password is not None:
        key_files = ()
    is_said = host.key is not None or password is not None
    return Login(
        address=address,
        port=port,
        user=host.user or _one(said, "user") or environment.get("USER") or "root",
        known_as=alias or (address if port == DEFAULT_PORT else f"[{address}]:{port}"),
        known_files=_known_files(said, home),
        host_key=host.host_key,
        key_files=tuple(str(Path(path).expanduser()) for path in key_files),
        uses_agent=not is_said and _one(said, "identitiesonly").lower() != "yes",
        password=password,
    )


def find_address(host: SshHost, home: Path) -> str:
    """The name or address that a host of an inventory is reached by."""
    return _one(_ssh_config(home / ".ssh/config", host), "hostname") or host.address


def _ssh_config(path: Path, host: SshHost) -> Mapping[str, str | list[str]]:
    """What `~/.ssh/config` says of a host; nothing when there is no such file."""
    # paramiko takes 0.2 s to import: most commands do without.
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    text = read_ssh_config(path, path.parent)
    if not text.strip():
        return {}
    try:
        found = SSHConfig.from_text(text).lookup(host.address)
    except (ConfigParseError, ValueError, KeyError) as error:
        raise UsageError(f"{path} cannot be understood: {error}") from error
    return dict(found)


def _one(said: Mapping[str, str | list[str]], key: str) -> str:
    value = said.get(key) or ""
    return value if isinstance(value, str) else value[0]


def _refuse_jump(host: SshHost, said: Mapping[str, str | list[str]]) -> None:
    for key, name in (("proxyjump", "ProxyJump"), ("proxycommand", "ProxyCommand")):
        value = _one(said, key)
        if value and value.lower() != "none":
            raise UsageError(
                f"{host.address}: ~/.ssh/config goes through {name} {value}; storperf connects "
                "directly. Name an address that this machine reaches, or say "
                f"`{name} none` for this host"
            )


def _identity_files(said: Mapping[str, str | list[str]]) -> tuple[str, ...]:
    found = said.get("identityfile") or []
    paths = [found] if isinstance(found, str) else found
    return tuple(path for path in paths if Path(path).expanduser().is_file())


def _known_files(said: Mapping[str, str | list[str]], home: Path) -> tuple[Path, ...]:
    named = _one(said, "userknownhostsfile")
    system = _one(said, "globalknownhostsfile")
    paths = (
        *(shlex.split(named) if named else _DEFAULT_KNOWN),
        *(shlex.split(system) if system else _SYSTEM_KNOWN),
    )
    return tuple(
        home / path.removeprefix("~/") if path.startswith("~/") else Path(path)
        for path in paths
        if path.lower() != "none"
    )


# --- passwords -------------------------------------------------------------------------------


def _password(host: SshHost, environment: Mapping[str, str]) -> str | None:
    if host.password_file is not None:
        return _password_of_file(Path(host.password_file).expanduser())
    if host.password_env is None:
        return None
    password = environment.get(host.password_env)
    if not password:
        raise UsageError(
            f"{host.address}: its password is to come from the environment variable "
            f"{host.password_env}, which is not set"
        )
    return password


def _password_of_file(path: Path) -> str:
    """The first line of a file that nobody else can read."""
    try:
        with path.open("rb") as source:
            found = os.fstat(source.fileno())
            content = source.read(_LONGEST_PASSWORD)
    except OSError as error:
        raise UsageError(f"cannot read the password file {path}: {error.strerror}") from error
    if stat.S_IMODE(found.st_mode) & _OF_OTHERS:
        mode = stat.S_IMODE(found.st_mode)
        raise UsageError(
            f"the password file {path} has mode {mode:04o}: others can reach it. "
            f"Say `chmod 600 {shlex.quote(str(path))}`"
        )
    password = content.decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
    if not password:
        raise UsageError(f"the password file {path} is empty")
    return password
