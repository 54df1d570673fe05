"""A host behind SSH as a remote: the agent staged there, and a channel to it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError
from storperf.model.host import SshHost
from storperf.remote.connection import ask, connect, disconnect, ssh_faults, start
from storperf.remote.pack import AgentPackage
from storperf.remote.ssh_login import Login
from storperf.remote.staging import DEFAULT_FOLDER, Landing, StagedFile, bring, look

if TYPE_CHECKING:
    from paramiko import Channel, SSHClient

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_WRITE_S = 120.0
_LAST_WORDS_S = 2.0
_MOST_WORDS = 64 << 10
_AGAIN_S = 0.05
# What brings fio, step by step; the last one's word counts.  apt-get alone has to be told to load
# its lists, which images come without, and waits for others that install on the host just now.
_INSTALL = {
    "apt-get": (
        ("update",),
        (
            *("-o", "DPkg::Lock::Timeout=120"),
            *("install", "-y", "--no-install-recommends", "fio"),
        ),
    ),
    "dnf": (("install", "-y", "fio"),),
    "zypper": (("--non-interactive", "install", "fio"),),
}


class SshStream:
    """Bytes to and from one `attach`; closing it closes the connection it came by."""

    def __init__(self, channel: Channel, client: SSHClient, who: str) -> None:
        self._channel = channel
        self._client = client
        self._who = who
        self._words = bytearray()
        # Reading and writing look up this often; what they wait for has limits of its own.
        channel.settimeout(_LOOK_S)

    def read(self) -> bytes:
        """Some bytes; empty when the channel is closed."""
        while True:
            self._hear_stderr()
            try:
                with ssh_faults(self._who):
                    chunk: bytes = self._channel.recv(1 << 18)
            except AgentLost as error:
                if not isinstance(error.__cause__, TimeoutError):
                    raise
            else:
                return chunk

    def write(self, content: bytes) -> None:
        """Send all; AgentLost when the channel is closed, or the other side does not read."""
        patience = Deadline.after(_WRITE_S)
        while content:
            try:
                with ssh_faults(f"{self._who}: the agent's channel is closed"):
                    content = content[self._channel.send(content) :]
            except AgentLost as error:
                if not isinstance(error.__cause__, TimeoutError) or patience.is_over:
                    raise

    def last_words(self) -> str:
        """What the host said on stderr, once the command has ended."""
        self._channel.status_event.wait(_LAST_WORDS_S)
        self._hear_stderr()
        said = self._words.decode("utf-8", "replace").strip()
        return said or "the connection broke" if self._channel.exit_status == -1 else said

    def close(self) -> None:
        """End the channel and its connection; the supervisor goes on."""
        self._channel.close()
        disconnect(self._client)

    def _hear_stderr(self) -> None:
        """Drained always: what lies in it takes the room of what is waited for."""
        while self._channel.recv_stderr_ready():
            self._words += self._channel.recv_stderr(1 << 14)
        del self._words[:-_MOST_WORDS]


def agent_root(folder: str, place: str, *, is_root: bool) -> str:
    """Where an agent's runs are below the folder that it is staged in.

    Root's agent takes no folder that is another user's, so it has one of its own.
    """
    return "/".join(filter(None, (folder, "root" if is_root else "", place)))


class SshRemote:
    """Stages the agent in a folder of the login user, over one connection at a time.

    `login` is asked when it connects: what is wrong with a password or a configuration is
    told then, not when the host is named.  `place` keeps two agents of a run apart that are on
    one host.  `fio` is the name or path that the job gives;
    `binary` takes its place.  With `installs_fio` a missing one is installed.
    """

    def __init__(  # noqa: PLR0913 - what a host is, by keyword
        self,
        host: SshHost,
        *,
        login: Callable[[], Login],
        gate: threading.BoundedSemaphore,
        fio: str = "fio",
        binary: StagedFile | None = None,
        installs_fio: bool = False,
        place: str = "",
    ) -> None:
        self._host = host
        self._place = place
        self._find_login = login
        self._gate = gate
        self._fio = fio
        self._binary = binary
        self._installs_fio = installs_fio
        self._who = host.name or host.address
        self._client: SSHClient | None = None
        self._landing: Landing | None = None
        self._program = ""

    @property
    def fio(self) -> str | None:
        """Where the fio stands that was brought there."""
        if self._binary is None or self._landing is None:
            return None
        return f"{self._landing.folder}/{self._binary.name}"

    def stage(self, package: AgentPackage, deadline: Deadline) -> None:
        """Put the agent there, unless it is; a fio of the job's and the host's own as asked."""
        agent = StagedFile(name=package.file_name, sha256=package.sha256, content=package.content)
        files = [agent] if self._binary is None else [agent, self._binary]
        landing = self._look(files, deadline)
        missing = [file for file, is_here in zip(files, landing.here, strict=True) if not is_here]
        if missing:
            bring(self._connected(deadline), self._who, landing.folder, missing, deadline)
        if self._installs_fio and landing.fio is None and self._binary is None:
            self._install_fio(landing, deadline)
        self._landing = landing
        self._program = f"{landing.folder}/{agent.name}"

    def open(self, run: str, deadline: Deadline) -> SshStream:
        """A channel to the run's supervisor, which is started when there is none."""
        landing = self._landed()
        argv = [landing.python, "-E", "-s", "-S", self._program, "attach"]
        argv += ["--root", self._root(landing), "--run", run]
        client = self._connected(deadline)
        channel = start(client, self._as_root(argv), f"{self._who}: attaching", deadline)
        self._client = None  # the stream's from now on
        return SshStream(channel, client, self._who)

    def remains(self, run: str, deadline: Deadline) -> str | None:
        """Where the run's folder still stands when the deadline is over; None once it is gone."""
        landing = self._landed()
        folder = f"{self._root(landing)}/runs/{run}"
        pause = threading.Event()
        while True:
            said = ask(
                self._connected(deadline),
                self._as_root(["test", "-e", folder]),
                f"{self._who}: looking for what is left",
                deadline,
            )
            if said.exit_status == 1:
                return None
            if deadline.remaining_s() <= _AGAIN_S * 4:
                return folder
            pause.wait(_AGAIN_S)

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            disconnect(self._client)
            self._client = None

    # --- in detail ---------------------------------------------------------------

    def _connected(self, deadline: Deadline) -> SSHClient:
        if self._client is not None:
            transport = self._client.get_transport()
            if transport is not None and transport.is_active():
                return self._client
            self.close()
        self._client = connect(self._find_login(), self._gate, deadline)
        return self._client

    def _look(self, files: list[StagedFile], deadline: Deadline) -> Landing:
        landing = look(
            self._connected(deadline),
            self._who,
            files,
            folder=self._host.folder or DEFAULT_FOLDER,
            python=self._host.python,
            fio=self._fio,
            sudo=self._host.sudo,
            deadline=deadline,
        )
        if landing.fault is not None:
            raise InfrastructureError(
                f"{self._who}: the agent cannot be put there: {landing.fault}"
            )
        if landing.sudo_fault is not None:
            raise InfrastructureError(
                f"{self._who}: `sudo: true` needs a sudo that asks for no password: "
                f"{landing.sudo_fault}. Allow it (NOPASSWD in /etc/sudoers.d), log in as root, or "
                "leave it out"
            )
        return landing

    def _landed(self) -> Landing:
        if self._landing is None:
            raise RuntimeError("stage the agent before attaching to it")
        return self._landing

    def _root(self, landing: Landing) -> str:
        return agent_root(landing.folder, self._place, is_root=self._host.sudo)

    def _as_root(self, argv: list[str]) -> list[str]:
        return ["sudo", "-n", "--", *argv] if self._host.sudo else argv

    def _install_fio(self, landing: Landing, deadline: Deadline) -> None:
        if not landing.installers:
            raise InfrastructureError(
                f"{self._who} has no fio, and none of {', '.join(_INSTALL)} to install it with; "
                "name a static build with provider.fio_binary"
            )
        if not landing.is_root and not self._host.sudo:
            raise InfrastructureError(
                f"{self._who} has no fio, and its user may install nothing; say `sudo: true` in "
                "the inventory, or install it by hand"
            )
        installer = landing.installers[0]
        log.info("%s has no fio: %s installs it", self._who, installer)
        for words in _INSTALL[installer]:
            argv = ["env", "DEBIAN_FRONTEND=noninteractive", installer, *words]
            said = ask(
                self._connected(deadline),
                self._as_root(argv),
                f"{self._who}: installing fio",
                deadline,
            )
        if said.exit_status:
            last = " / ".join(said.stderr.splitlines()[-3:])
            raise InfrastructureError(f"{self._who}: {installer} cannot install fio: {last}")
