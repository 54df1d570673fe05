"""A Graphite for the benches: the embedded one, real carbon-cache and graphite-web, and senders."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from figure import BenchError

from storperf.graphite.configuration import Folders
from storperf.graphite.server import EmbeddedGraphite
from storperf.model.job import Graphite
from storperf.sinks.graphite_web import GraphiteWeb

VENV = Path(__file__).parents[1] / ".make" / "graphite-venv"
Line = tuple[str, float, int]
_BATCH = 1000


class Rig:
    """One that is up; `address` is where its points go."""

    def __init__(self, server: EmbeddedGraphite, address: Graphite) -> None:
        self.address = address
        self._server = server
        self.web = GraphiteWeb(address.web or "")

    def carbon_pid(self) -> int:
        """The process of carbon-cache."""
        pid = next(each.pid for each in self._server.state().programs if "carbon" in each.name)
        if pid is None:
            raise BenchError("carbon-cache does not run")
        return pid

    def heal(self) -> None:
        """Start again what was killed, on the same ports."""
        self._server.up(lambda _: None)

    def count(self, paths: Sequence[str], from_s: float, until_s: float) -> int:
        """How many points of some series can be read."""
        return sum(len(each.points) for each in self.web.render(paths, from_s, until_s))

    def plain_send(self, lines: Sequence[Line]) -> None:
        """What a plain socket takes: one connection, batches of lines, until Carbon read it all."""
        with socket.create_connection((self.address.host, self.address.port), 60) as carbon:
            for first in range(0, len(lines), _BATCH):
                some = lines[first : first + _BATCH]
                carbon.sendall(
                    "".join(f"{path} {value} {second}\n" for path, value, second in some).encode()
                )
            carbon.shutdown(socket.SHUT_WR)
            if carbon.recv(1):
                raise BenchError("carbon-cache answers")


@contextmanager
def running(folder: Path) -> Iterator[Rig]:
    """One in a folder of its own, gone afterwards."""
    server = EmbeddedGraphite(Folders(venv=VENV, state=folder / "state", data=folder / "data"))
    server.up(lambda _: None)
    try:
        address = server.address()
        if address is None:
            raise BenchError("the embedded Graphite is not up")
        yield Rig(server, address)
    finally:
        server.down()


def own_peak_bytes() -> int:
    """The most memory that this process ever held."""
    status = Path(f"/proc/{os.getpid()}/status").read_text(encoding="utf-8")
    words = next(line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(words[1]) * 1024
