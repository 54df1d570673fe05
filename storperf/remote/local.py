"""This machine as a remote: a folder of the user and a child process."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from storperf.agent import landing
from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError
from storperf.remote.pack import AgentPackage

_AGAIN_S = 0.01


class LocalStream:
    """Bytes to and from one `attach`; its own session, so that Ctrl-C is ours alone."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self._stdin: IO[bytes] = _present(self._process.stdin)
        self._stdout: IO[bytes] = _present(self._process.stdout)
        self._stderr: IO[bytes] = _present(self._process.stderr)

    def read(self) -> bytes:
        """Some bytes; empty when the channel is closed."""
        return os.read(self._stdout.fileno(), 1 << 18)

    def write(self, content: bytes) -> None:
        """Send all; AgentLost when the channel is closed."""
        try:
            while content:
                content = content[os.write(self._stdin.fileno(), content) :]
        except ValueError as error:
            raise AgentLost("the agent's channel was closed here") from error
        except OSError as error:
            raise AgentLost(f"the agent's channel is closed: {self.last_words()}") from error

    def last_words(self) -> str:
        """What attach said on stderr, once it has ended; it has, or will at once."""
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "no reason given"
        return self._stderr.read().decode("utf-8", "replace").strip() or "no reason given"

    def close(self) -> None:
        """End the channel; the supervisor goes on."""
        self._stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stdout.close()
        self._stderr.close()


def _present(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("a pipe was asked for and not made")
    return pipe


class LocalRemote:
    """Stages the agent under `root` (a folder of this user, 0700) and attaches to it.

    This machine answers at once: deadlines are not looked at where nothing is waited for.
    """

    fio: str | None = None

    def __init__(self, root: Path) -> None:
        self.root = root
        self._staged: Path | None = None

    def stage(self, package: AgentPackage, deadline: Deadline) -> None:
        """Put the agent there, unless it is; its hash is checked on the open file."""
        del deadline
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
            path = self.root / package.file_name
            if not landing.holds(str(path), package.sha256):
                temporary = self.root / f".{package.file_name}.{secrets.token_hex(8)}"
                temporary.write_bytes(package.content)
                temporary.replace(path)
            landing.prune(str(self.root), time.time())
        except OSError as error:
            raise InfrastructureError(
                f"the agent cannot be put into {self.root}: {error.strerror}"
            ) from error
        self._staged = path

    def open(self, run: str, deadline: Deadline) -> LocalStream:
        """A channel to the run's supervisor, which is started when there is none."""
        del deadline
        if self._staged is None:
            raise RuntimeError("stage the agent before attaching to it")
        program = str(self._staged)
        argv = [sys.executable, "-E", "-s", "-S", program, "attach"]
        return LocalStream([*argv, "--root", str(self.root), "--run", run])

    def remains(self, run: str, deadline: Deadline) -> str | None:
        """Where the run's folder still stands when the deadline is over; None once it is gone."""
        if self._staged is None:
            raise RuntimeError("stage the agent before looking for what is left")
        folder = self.root / "runs" / run
        pause = threading.Event()
        while os.path.lexists(folder):
            if deadline.is_over:
                return str(folder)
            pause.wait(_AGAIN_S)
        return None

    def close(self) -> None:
        """Nothing is kept open between the streams."""
