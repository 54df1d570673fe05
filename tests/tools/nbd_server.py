"""A real NBD server of a test's own: nbdkit on a unix socket or the loopback, ended by its pid."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

NBDKIT = "nbdkit"
PATIENCE_S = 10.0


def find_nbdkit() -> str | None:
    """The path of nbdkit, if it is installed."""
    return shutil.which(NBDKIT)


class NbdServer:
    """One export; `arguments` are nbdkit's plugin, its parameters and those of `filters`.

    A unix socket lies in a short folder of its own, because its path must be under 108 bytes.
    """

    def __init__(
        self,
        *arguments: str,
        filters: tuple[str, ...] = (),
        name: str = "nbd.sock",
        tcp: bool = False,
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="nbd-"))
        self.socket = self._folder / name
        pid = self._folder / "pid"
        if tcp:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            where = ["--ipaddr=127.0.0.1", f"--port={port}"]
            self.uri = f"nbd://127.0.0.1:{port}/"
        else:
            where = [f"--unix={self.socket}"]
            self.uri = f"nbd+unix:///?socket={self.socket}"
        argv = [NBDKIT, "--foreground", "--exit-with-parent", f"--pidfile={pid}", *where]
        argv += [f"--filter={each}" for each in (*filters, "log")]
        argv += [*arguments, f"logfile={self._folder / 'log'}"]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self._folder
        )
        give_up_s = time.monotonic() + PATIENCE_S
        while not pid.exists():  # written once it listens
            if self.process.poll() is not None or time.monotonic() > give_up_s:
                self.process.kill()
                said = self.process.communicate()[1].decode()
                raise RuntimeError(f"{argv} does not listen: {said}")
            time.sleep(0.01)

    def target(self, size: str = "16M", **more: object) -> dict[str, object]:
        """The job file's `target`."""
        return {"nbd": self.uri, "size": size, "destroy": True, **more}

    def until_read(self, times: int) -> None:
        """Wait until it was read from so many times."""
        give_up_s = time.monotonic() + PATIENCE_S
        while (self._folder / "log").read_text().count(" Read ") < times:
            if time.monotonic() > give_up_s:
                raise RuntimeError(f"{self.uri} was not read {times} times")
            time.sleep(0.01)

    def kill(self) -> None:
        """As a crash: connections break, nobody says goodbye."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it and remove its folder."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()
        shutil.rmtree(self._folder)


def can_reach(engine: str) -> bool:
    """Whether the fio of this machine has an engine."""
    listed = subprocess.run(["fio", "--enghelp"], capture_output=True, text=True, check=True)
    return engine in listed.stdout.split()
