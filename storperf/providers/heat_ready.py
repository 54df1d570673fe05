"""Agents of a stack made ready: SSH answers with a pinned key, volumes are there with their size.

The first connection believes the host key of the user data, which others of the project can
read.  It is good for one thing: to have another made on the agent, whose public half comes back
over this very connection and is stored here before the agent shows it.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storperf.deadline import Deadline
from storperf.errors import AgentLost, HostKeyRefused, InfrastructureError, StorperfError
from storperf.model.host import HostTarget
from storperf.providers.heat_state import AgentKeys
from storperf.remote.connection import WIDTH, ask, connect, disconnect
from storperf.remote.ssh_login import Login

if TYPE_CHECKING:
    from paramiko import SSHClient

log = logging.getLogger(__name__)

_TRY_S = 15.0
_AGAIN_S = 2.0
_ASK_S = 60.0
_MOST_THREADS = 32
_SERIAL = 20
_MARK = "storperf-key "
# Makes the second host key in $1, unless an earlier manager had it made; tells its public half.
_MAKE_KEY = (
    "set -e; umask 077; k=$1/storperf_host_key; "
    'test -s "$k.pub" || { rm -f "$k"; ssh-keygen -q -t ed25519 -N "" -C "" -f "$k"; }; '
    f'printf "{_MARK}"; cat "$k.pub"'
)
# Shows it from now on, and no other; the connections that are there go on.
_SHOW_KEY = (
    'set -e; cd "$1"; rm -f ssh_host_*; '
    "cp -p storperf_host_key ssh_host_ed25519_key; "
    "cp -p storperf_host_key.pub ssh_host_ed25519_key.pub; "
    'if test -n "$2"; then kill -HUP "$(cat "$2")"; exit; fi; '
    "systemctl reload ssh 2>/dev/null || systemctl reload sshd 2>/dev/null || "
    'kill -HUP "$(cat /run/sshd.pid)"'
)
# What block devices the kernel has, whether something is mounted at the path given, and whether
# cloud-init is done (or is not there at all).
_LOOK = """
import json, os, shutil, sys
def read(path):
    try:
        with open(path, "rb") as source:
            return source.read(300)
    except OSError:
        return b""
def text(content):
    return content.decode("ascii", "replace").strip("\\0 \\n")
devices = []
for name in sorted(os.listdir("/sys/block")):
    top = "/sys/block/" + name
    serials = [text(read(top + "/serial")), text(read(top + "/device/serial")),
               text(read(top + "/device/vpd_pg80")[4:])]
    devices.append({"path": "/dev/" + name, "serials": [each for each in serials if each],
                  "size_bytes": int(read(top + "/size") or 0) * 512})
links = "/dev/disk/by-id"
for link in sorted(os.listdir(links)) if os.path.isdir(links) else ():
    real = os.path.realpath(os.path.join(links, link))
    for device in devices:
        if device["path"] == real and any(link.endswith(each) for each in device["serials"]):
            device["link"] = os.path.join(links, link)
run = "/run/cloud-init"
print(json.dumps({"devices": devices, "fio": shutil.which("fio"),
                  "is_mounted": not sys.argv[1] or os.path.ismount(sys.argv[1]),
                  "is_done": not os.path.isdir(run) or os.path.exists(run + "/result.json")}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an agent is to be like.  `volumes` are ids and sizes by number of the target.

    A target that is no volume has an empty id.
    """

    name: str
    address: str
    keys: AgentKeys
    volumes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How agents are logged in to; `save` keeps the keys that were learned.

    `ephemeral_at` is where the hypervisor's own disk has to be mounted, empty without one.
    `sshd` is where host keys lie on the agents, and the file with sshd's process number where
    that is not systemd's to know.
    """

    user: str
    key_file: Path
    save: Callable[[], None]
    needs_fio: bool
    ephemeral_at: str = ""
    port: int = 22
    sshd: tuple[str, str] = ("/etc/ssh", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What came of it: the targets by number, or why there is no such agent."""

    targets: tuple[HostTarget, ...] = ()
    fault: StorperfError | None = None


def login_of(wanted: Wanted, access: Access, host_key: str) -> Login:
    """The login that believes this key and no other."""
    port = access.port
    return Login(
        address=wanted.address,
        port=port,
        user=access.user,
        known_as=wanted.address if port == 22 else f"[{wanted.address}]:{port}",
        known_files=(),
        host_key=host_key,
        key_files=(str(access.key_file),),
        uses_agent=False,
        password=None,
    )


def make_ready(
    agents: list[Wanted],
    access: Access,
    deadline: Deadline,
    *,
    tell: Callable[[str], None],
    wait: Callable[[float], bool],
) -> dict[str, Ready]:
    """What each agent has become by the deadline, or when `wait` says that the end is wanted."""
    found: dict[str, Ready] = {}
    told = threading.Lock()

    def one(wanted: Wanted) -> None:
        ready = _ready(wanted, access, deadline, wait)
        with told:
            found[wanted.name] = ready
            up = sum(each.fault is None for each in found.values())
            tell(f"{up}/{len(agents)} agents ready")

    with ThreadPoolExecutor(
        max(1, min(len(agents), _MOST_THREADS)), thread_name_prefix="ready"
    ) as threads:
        list(threads.map(one, agents))
    return found


def _ready(
    wanted: Wanted, access: Access, deadline: Deadline, wait: Callable[[float], bool]
) -> Ready:
    """One agent, tried until it is ready: while it boots it refuses this and that."""
    while True:
        try:
            with closing(_Agent(wanted, access, deadline)) as agent:
                return Ready(targets=agent.targets())
        except InfrastructureError as error:
            log.info("%s is not ready: %s", wanted.name, error.message)
            if deadline.remaining_s() <= _AGAIN_S or wait(_AGAIN_S):
                error.message = f"{wanted.name} is not ready: {error.message}"
                return Ready(fault=error)


class _Agent:
    """A connection to one agent whose own host key is pinned."""

    def __init__(self, wanted: Wanted, access: Access, deadline: Deadline) -> None:
        self._wanted = wanted
        self._access = access
        self._deadline = deadline
        self._sudo = () if access.user == "root" else ("sudo", "-n", "--")
        self._client = self._connect()

    def close(self) -> None:
        disconnect(self._client)

    def targets(self) -> tuple[HostTarget, ...]:
        """Where each volume is; AgentLost while something is still missing."""
        ephemeral_at = self._access.ephemeral_at
        said = self._ask(["python3", "-c", _LOOK, ephemeral_at])
        if said.exit_status == 127 or "not found" in said.stderr:
            raise InfrastructureError(
                "it has no python3; take an image that has it, or say "
                "`cloud_config: {packages: [python3]}`"
            )
        try:
            found: dict[str, Any] = json.loads(said.stdout)
        except ValueError as error:
            raise AgentLost(f"it does not run commands as it should: {said.stderr}") from error
        if not found["is_done"]:
            raise AgentLost("cloud-init is still at work there")
        if found["fio"] is None and self._access.needs_fio:
            raise InfrastructureError(
                "it has no fio; take an image that has it, or say `install_fio: true`"
            )
        if not found["is_mounted"]:
            raise InfrastructureError(
                f"its own disk is not at {ephemeral_at}, so that another one would be measured; "
                "take an image whose cloud-init has the module `mounts`, or mount it by "
                "`cloud_config`"
            )
        return tuple(target_of(found["devices"], *volume) for volume in self._wanted.volumes)

    # --- in detail ---------------------------------------------------------------------------

    def _connect(self) -> SSHClient:
        keys = self._wanted.keys
        if keys.is_replaced and keys.second is not None:
            return self._with(keys.second)
        if keys.second is not None:
            # An earlier manager may have died after the agent was told to show its second key.
            try:
                client = self._with(keys.second)
            except HostKeyRefused:
                client = self._with(keys.first.public)
        else:
            client = self._with(keys.first.public)
        try:
            return self._replace_key(client)
        finally:
            disconnect(client)

    def _with(self, host_key: str) -> SSHClient:
        login = login_of(self._wanted, self._access, host_key)
        within = Deadline.after(min(_TRY_S, self._deadline.remaining_s()))
        return connect(login, threading.BoundedSemaphore(WIDTH), within)

    def _replace_key(self, client: SSHClient) -> SSHClient:
        keys, within = self._wanted.keys, Deadline.after(_ASK_S)
        what = f"{self._wanted.name}: replacing its host key"
        made = ask(client, self._script(_MAKE_KEY), what, within)
        lines = [
            line.removeprefix(_MARK)
            for line in made.stdout.decode("ascii", "replace").splitlines()
            if line.startswith(_MARK)
        ]
        if made.exit_status != 0 or not lines:
            raise InfrastructureError(f"its host key cannot be replaced: {made.stderr[-300:]}")
        keys.second = " ".join(lines[-1].split()[:2])
        self._access.save()
        shown = ask(client, self._script(_SHOW_KEY), what, within)
        if shown.exit_status != 0:
            raise InfrastructureError(f"its sshd does not take a new key: {shown.stderr[-300:]}")
        fresh = self._with(keys.second)
        keys.is_replaced = True
        self._access.save()
        return fresh

    def _script(self, text: str) -> list[str]:
        return [*self._sudo, "sh", "-c", text, "sh", *self._access.sshd]

    def _ask(self, argv: list[str]) -> Any:
        within = Deadline.after(min(_ASK_S, max(1.0, self._deadline.remaining_s())))
        return ask(self._client, argv, f"{self._wanted.name}: looking around there", within)


def target_of(devices: list[Mapping[str, Any]], volume: str, size_bytes: int) -> HostTarget:
    """The device behind a volume, by its serial: the first 20 characters of the volume's id."""
    if not volume:
        return HostTarget(path="")
    for device in devices:
        for serial in device["serials"]:
            if serial[:_SERIAL] != volume[:_SERIAL]:
                continue
            if device["size_bytes"] != size_bytes:
                raise AgentLost(
                    f"volume {volume} has {device['size_bytes']} bytes there, not {size_bytes}"
                )
            return HostTarget(path=device.get("link") or device["path"], serial=serial)
    raise AgentLost(f"volume {volume} is attached, and no device there has its serial")
