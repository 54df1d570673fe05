"""Where a server listens: an address, or a Unix socket of its user's own."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storperf.errors import Conflict, UsageError
from storperf.web.configuration import Configuration

_BACKLOG = 128


@contextmanager
def listening(configuration: Configuration) -> Iterator[socket.socket]:
    """A socket that listens where the configuration says; UsageError when it cannot be had."""
    if configuration.socket is None:
        with _on_address(configuration.host, configuration.port) as listener:
            yield listener
        return
    with _on_path(configuration.socket) as listener:
        try:
            yield listener
        finally:
            configuration.socket.unlink(missing_ok=True)


def shown_address(configuration: Configuration, listener: socket.socket) -> str:
    """The address as people write it."""
    if configuration.socket is not None:
        return f"unix:{configuration.socket}"
    address, port = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    return f"http{'' if configuration.certificate is None else 's'}://{shown}:{port}"


def check_tls(configuration: Configuration) -> None:
    """UsageError when certificate and key cannot be used together, or others may read the key."""
    if configuration.certificate is None or configuration.key is None:
        return
    try:
        mode = configuration.key.stat().st_mode
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            configuration.certificate,
            configuration.key,
            # Nobody is there to be asked for one.
            password="",
        )
    except (OSError, ValueError) as error:
        raise UsageError(
            f"certificate {configuration.certificate} and key {configuration.key} cannot be used: "
            f"{error}"
        ) from error
    if mode & stat.S_IROTH:
        raise UsageError(f"everybody may read the key {configuration.key}; chmod o-r")


def _on_address(host: str, port: int) -> socket.socket:
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
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from error
    return listener


def _on_path(path: Path) -> socket.socket:
    _remove_dead(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise UsageError(f"cannot listen on {path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return listener


def _remove_dead(path: Path) -> None:
    """Remove the socket of a server that was killed; what is no socket stays."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise Conflict(f"a server listens on {path} already")
    path.unlink(missing_ok=True)
