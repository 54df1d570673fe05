"""Real OpenSSH servers on loopback, and many hosts behind them that differ by their folders."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from figure import BenchError

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_START_S = 15.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One sshd: where it listens, what it shows, and who may come in."""

    address: str
    port: int
    user: str
    host_key: str
    client_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackHost:
    """What stands for a machine: a folder of its own behind a server that others share.

    `data` is what it has to measure on.
    """

    name: str
    server: Server
    folder: Path
    data: Path

    def entry(self, *, has_place: bool) -> dict[str, object]:
        """The host in an inventory; `has_place`: the job's target has one on every host."""
        server = self.server
        target = {"target": {"directory": str(self.data)}} if has_place else {}
        return {
            **target,
            "name": self.name,
            "address": server.address,
            "port": server.port,
            "user": server.user,
            "key": str(server.client_key),
            "host_key": server.host_key,
            "folder": str(self.folder / "agent"),
        }


@contextmanager
def loopback_hosts(folder: Path, count: int, servers: int) -> Iterator[tuple[LoopbackHost, ...]]:
    """So many hosts, shared out to so many servers at 127.0.0.1, 127.0.0.2 and so on.

    Every server is a process of its own with OpenSSH's own limits (MaxStartups 10:30:100).  Each
    host is empty: the agent is not there.
    """
    running: list[subprocess.Popen[bytes]] = []
    folder.mkdir(parents=True)
    try:
        made = []
        for number in range(1, servers + 1):
            server, process = _start(folder / f"sshd-{number}", f"127.0.0.{number}")
            running.append(process)
            made.append(server)
        hosts = tuple(
            LoopbackHost(
                name=f"host-{number:03}",
                server=made[number % servers],
                folder=folder / f"host-{number:03}",
                data=folder / f"host-{number:03}/data",
            )
            for number in range(1, count + 1)
        )
        for host in hosts:
            host.data.mkdir(parents=True)
        yield hosts
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=_START_S)


def _start(folder: Path, address: str) -> tuple[Server, subprocess.Popen[bytes]]:
    if _SSHD is None or shutil.which("ssh-keygen") is None:
        raise BenchError("needs OpenSSH's sshd and ssh-keygen")
    folder.mkdir(mode=0o700)
    host_key, client_key = _make_key(folder / "host_key"), _make_key(folder / "client_key")
    (folder / "authorized_keys").write_text(client_key + "\n", encoding="utf-8")
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    config = folder / "sshd_config"
    config.write_text(_config(folder, address, port), encoding="utf-8")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks its children in
    log = folder / "sshd.log"
    process = subprocess.Popen(
        [_SSHD, "-D", "-f", str(config), "-E", str(log)], stdin=subprocess.DEVNULL
    )
    _wait_until_it_listens(process, log)
    server = Server(
        address=address,
        port=port,
        user=getpass.getuser(),
        host_key=host_key,
        client_key=folder / "client_key",
    )
    return server, process


def _make_key(path: Path) -> str:
    """A key pair without a passphrase; its public half."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return " ".join(Path(f"{path}.pub").read_text(encoding="utf-8").split()[:2])


def _config(folder: Path, address: str, port: int) -> str:
    home = folder / "home"  # the start-up files of who measures are no part of it
    home.mkdir()
    lines = (
        f"ListenAddress {address}",
        f"Port {port}",
        f"HostKey {folder}/host_key",
        f"PidFile {folder}/sshd.pid",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        f'SetEnv "HOME={home}"',
        "Subsystem sftp internal-sftp",
    )
    return "\n".join(lines) + "\n"


def _wait_until_it_listens(process: subprocess.Popen[bytes], log: Path) -> None:
    give_up_s = time.monotonic() + _START_S
    while not (log.exists() and "Server listening" in log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > give_up_s:
            process.kill()
            raise BenchError(f"sshd does not start: {log.read_text(errors='replace')}")
        time.sleep(_POLL_S)
