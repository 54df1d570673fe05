"""`supervise`: the process around a supervisor, with its lock, its signals and its socket."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time

from storperf.agent import landing, retention
from storperf.agent.attach import SOCKET
from storperf.agent.supervisor import LOCK, Supervisor


def main(run_dir: str, run: str) -> int:
    """Run as the supervisor of a run, unless there is one; the exit status."""
    os.chdir(run_dir)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    # While this lives its file stays, for what is imported late; see landing.prune.
    program = os.path.abspath(sys.argv[0])
    held = landing.hold(program)
    retention.prune(os.path.dirname(run_dir), time.time())
    try:
        supervisor = Supervisor(run_dir, run)
    except (OSError, ValueError) as error:
        sys.stderr.write("storperf agent: {}\n".format(error))
        return 1
    signal.signal(signal.SIGTERM, lambda *_: setattr(supervisor, "is_over", True))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Relative to the run's folder: a socket's path must be under 108 bytes.
    listener.bind(SOCKET)
    listener.listen(8)
    listener.setblocking(False)
    supervisor.serve(listener)
    if supervisor.forget and supervisor.leaves and held is not None:
        os.close(held)
        landing.leave(program, run_dir)
    return 0
