"""`attach`: joins this process's stdin and stdout to a run's supervisor, starting it if need be."""

from __future__ import annotations

import os
import select
import selectors
import socket
import stat
import sys
import time

# What a supervisor listens at, in its run's folder, and the protocol that is spoken there.
SOCKET = "socket"
PROTOCOL = 1
# An old supervisor of the run may take its time to end; see stop_all.
_START_S = 30.0
_CHUNK = 1 << 16


class AttachError(Exception):
    """No supervisor can be reached or started here."""


def run_folder(root: str, run: str) -> str:
    """The run's own 0700 folder under `root`, made if missing; AttachError when it is not ours."""
    if not run or os.sep in run or run.startswith(".") or "\0" in run:
        raise AttachError("{!r} is no name of a run".format(run))
    for folder in (root, os.path.join(root, "runs"), os.path.join(root, "runs", run)):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise AttachError("{} is not a folder of this user".format(folder))
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise AttachError("{} can be entered by others".format(folder))
    return folder


def _connect() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(SOCKET)
    except OSError:
        connection.close()
        raise
    return connection


class _Supervisor:
    """A supervisor that was just started, in a session of its own.

    By hand: importing subprocess costs each of many agents on one host 9 ms.
    """

    def __init__(self, program: str, folder: str, run: str) -> None:
        argv = [sys.executable, "-E", "-s", "-S", program, "supervise"]
        argv += ["--folder", folder, "--run", run]
        with open("supervisor.log", "ab") as log, open(os.devnull, "rb") as nothing:
            self._pid = os.fork()
            if self._pid == 0:
                try:
                    os.setsid()
                    os.dup2(nothing.fileno(), 0)
                    os.dup2(log.fileno(), 1)
                    os.dup2(log.fileno(), 2)
                    os.execv(sys.executable, argv)  # noqa: S606 - no shell is wanted
                finally:
                    os._exit(127)
        self._ended: int | None = None

    def poll(self) -> int | None:
        """Its exit status, None while it runs; as a shell has it when a signal ended it."""
        if self._ended is None:
            pid, exit_status = os.waitpid(self._pid, os.WNOHANG)
            if pid and os.WIFSIGNALED(exit_status):
                self._ended = 128 + os.WTERMSIG(exit_status)
            elif pid:
                self._ended = os.WEXITSTATUS(exit_status)
        return self._ended


def connect(program: str, folder: str, run: str) -> socket.socket:
    """A connection to the supervisor; starts one when nobody answers."""
    os.chdir(folder)
    give_up_s = time.monotonic() + _START_S
    started: _Supervisor | None = None
    while time.monotonic() < give_up_s:
        try:
            return _connect()
        except (FileNotFoundError, ConnectionRefusedError):
            # One that ends with 0 found another one in its place: just starting, or just ending.
            if started is None or started.poll() == 0:
                started = _Supervisor(program, folder, run)
            elif started.poll() is not None:
                break
        select.select((), (), (), 0.01)
    with open("supervisor.log", "rb") as log:
        tail = log.read()[-2000:].decode("utf-8", "replace")
    raise AttachError("the supervisor did not start:\n" + tail)


def relay(connection: socket.socket) -> None:
    """Copy both ways until either side closes."""
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(connection, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd == 0:
                chunk = os.read(0, _CHUNK)
                if not chunk:
                    return
                connection.sendall(chunk)
            else:
                chunk = connection.recv(_CHUNK)
                if not chunk:
                    return
                while chunk:
                    chunk = chunk[os.write(1, chunk) :]


def main(program: str, root: str, run: str) -> int:
    """Attach; 0 when the channel was closed, 1 with a sentence on stderr when there is none."""
    try:
        connection = connect(program, run_folder(root, run), run)
        relay(connection)
    except (AttachError, OSError) as error:
        sys.stderr.write("storperf agent: {}\n".format(error))
        return 1
    return 0
