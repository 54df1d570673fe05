"""Ports on the loopback: which are free, and whose they are."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import asdict
from pathlib import Path

from storperf.graphite.configuration import HOST, Ports

# Graphite's own habit, so that a job file's `graphite: {}` means this one.
_USUAL = Ports(line=2003, pickle=2004, query=7002, web=8080)


# In /proc/net/tcp, see Documentation/networking/proc_net_tcp.rst of Linux.
_LISTENING = "0A"


def listens(pid: int, port: int) -> bool:
    """Whether this very process listens on a port; another one's listener answers as well."""
    inodes = {
        f"socket:[{words[9]}]"
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        if (words := line.split())[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port
    }
    folder = Path(f"/proc/{pid}/fd")
    try:
        return any(_target(entry) in inodes for entry in folder.iterdir())
    except OSError:
        return False


def _target(link: Path) -> str:
    """Where a link of /proc leads; nowhere when the file was closed meanwhile."""
    try:
        return str(link.readlink())
    except OSError:
        return ""


def choose_ports(before: Ports | None) -> Ports:
    """Four ports that nobody listens on now; somebody may take one before we do."""
    chosen: dict[str, int] = {}
    with contextlib.ExitStack() as held:
        for name, wanted in asdict(before or _USUAL).items():
            chosen[name] = held.enter_context(_bound(wanted)).getsockname()[1]
    return Ports(**chosen)


def _bound(port: int) -> socket.socket:
    """A socket bound to the port, or to any free one when that is taken."""
    bound = socket.socket()
    # As the programs do it: a port that was in use a moment ago is free.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        # bind alone succeeds beside a listener that set SO_REUSEADDR and does not listen yet.
        bound.listen()
    except OSError:
        bound.close()
        return _bound(0)
    return bound
