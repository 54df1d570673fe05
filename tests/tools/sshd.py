"""A real OpenSSH server of a test's own: keys, configuration and log in one folder, on loopback."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
_START_S = 15.0


def require_sshd():
    """Skip where there is no OpenSSH server."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs OpenSSH's sshd and ssh-keygen")


def make_key(path, kind="ed25519"):
    """A key pair without a passphrase; its public half as text."""
    argv = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return public_key(path)


def public_key(path):
    """Kind and content of a key pair's public half."""
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


def free_port():
    """A port that nobody listened on a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Sshd:
    """Starts at once; `host_key` and `client_key` are what it shows and what it accepts.

    `environment` is what a session gets; `lines` are more lines of sshd_config, which come first
    and so win; `inside` is what runs it elsewhere, such as in a network namespace.
    """

    def __init__(  # noqa: PLR0913 - what a server is, by keyword
        self, folder, *, address="127.0.0.1", environment=None, lines=(), sftp=True, inside=()
    ):
        self.folder = folder
        self._inside = inside
        self.address = address
        self.user = getpass.getuser()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.host_key = make_key(folder / "host_key")
        self.client_key = folder / "client_key"
        make_key(self.client_key)
        (folder / "authorized_keys").write_text(public_key(self.client_key) + "\n")
        (folder / "authorized_keys").chmod(0o600)
        self.port = free_port()
        self.log = folder / "sshd.log"
        # The start-up files of who runs the tests are no part of them.
        self.home = folder / "home"
        self.home.mkdir(exist_ok=True)
        self._environment = {"HOME": str(self.home), **(environment or {})}
        self._lines = [*lines, *(["Subsystem sftp internal-sftp"] if sftp else [])]
        self._process = None
        self.start()

    def start(self):
        """Start, and wait until it listens."""
        self._write_config()
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it locks its children in
        self.log.touch()
        before = len(self.log.read_text(errors="replace"))
        config = str(self.folder / "sshd_config")
        argv = [*self._inside, SSHD, "-D", "-f", config, "-E", str(self.log)]
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        give_up_s = time.monotonic() + _START_S
        while "Server listening" not in (said := self.log.read_text(errors="replace")[before:]):
            if self._process.poll() is not None or time.monotonic() > give_up_s:
                self.stop()
                pytest.fail(f"sshd does not start: {said}")
            time.sleep(0.02)

    def _write_config(self):
        folder = self.folder
        words = " ".join(f'{name}="{value}"' for name, value in self._environment.items())
        (folder / "sshd_config").write_text(
            "\n".join(
                [
                    *self._lines,
                    f"ListenAddress {self.address}",
                    f"Port {self.port}",
                    f"HostKey {folder}/host_key",
                    f"PidFile {folder}/sshd.pid",
                    f"AuthorizedKeysFile {folder}/authorized_keys",
                    "StrictModes no",
                    "UsePAM no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "PermitRootLogin prohibit-password",
                    "PermitUserEnvironment no",
                    "LogLevel VERBOSE",
                    f"SetEnv {words}",
                    "",
                ]
            )
        )

    def stop(self):
        """End the server that listens; its sessions end with `kill_sessions`, which comes first."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def sessions(self):
        """The processes of its sessions."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_text(errors="replace")
                stat = (process / "stat").read_text().rsplit(")", 1)[1].split()
                if words.startswith("sshd:") and self._is_of_ours(int(stat[1])):
                    found.append(int(process.name))
        return found

    def _is_of_ours(self, parent):
        """Whether a process descends from this server."""
        while parent > 1 and self._process is not None:
            if parent == self._process.pid:
                return True
            try:
                stat = Path(f"/proc/{parent}/stat").read_text()
            except OSError:
                return False
            parent = int(stat.rsplit(")", 1)[1].split()[1])
        return False

    def kill_sessions(self):
        """Break every connection, as a host does that resets them; how many."""
        pids = self.sessions()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def change_host_key(self):
        """Show another key from now on, as a host that was installed anew."""
        self.stop()
        for name in ("host_key", "host_key.pub"):
            (self.folder / name).unlink()
        self.host_key = make_key(self.folder / "host_key")
        self.start()

    def commands(self):
        """What was started over it: commands and subsystems, by its own log."""
        lines = self.log.read_text(errors="replace").splitlines()
        marks = [line.partition("Starting session: ")[2] for line in lines]
        return [mark.split()[0] for mark in marks if mark]

    def end(self):
        """End it and everything that is connected to it."""
        self.kill_sessions()
        self.stop()
