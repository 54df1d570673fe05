"""The process `storperf serve`: one application, one worker, until a signal comes."""

from __future__ import annotations

import logging
import signal
import socket
import sys

import uvicorn

from storperf.errors import UsageError
from storperf.queueing.locks import serving
from storperf.settings import Settings
from storperf.web.app import create_app

log = logging.getLogger(__name__)

# Streams of events end only when they are ended.
_LONGEST_GOODBYE_S = 3


def serve(settings: Settings, *, host: str, port: int, at_once: int) -> None:
    """Serve the results folder until SIGTERM or SIGINT; the runs go on.

    Port 0 is any free one; where it listens is said on stderr.  Conflict: it is served already.
    UsageError: the address cannot be had.
    """
    with serving(settings), _listening(host, port) as listener:
        # uvicorn repeats a signal once it is done; there it shall end nothing.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        config = uvicorn.Config(
            create_app(settings, runs_at_once=at_once),
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            timeout_graceful_shutdown=_LONGEST_GOODBYE_S,
        )
        address, own_port = listener.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        sys.stderr.write(f"serving {settings.results} on http://{shown}:{own_port}\n")
        sys.stderr.flush()
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise UsageError(f"no address to listen on is called {host!r}: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from error
    return listener
