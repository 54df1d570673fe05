"""One SSH connection: made with pinned keys, watched for silence, and what runs over it."""

from __future__ import annotations

import contextlib
import logging
import random
import shlex
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError
from storperf.remote.host_keys import explain_changed, pin_host_keys
from storperf.remote.ssh_login import Login

if TYPE_CHECKING:
    from paramiko import Channel, SSHClient, Transport

log = logging.getLogger(__name__)

# sshd drops more than MaxStartups (10:30:100) connections that have not logged in.
WIDTH = 8
_TRIES = 5
_FIRST_PAUSE_S = 0.5
_CONNECT_S = 15.0
_KEEPALIVE_S = 15
# What was sent and not acknowledged for so long: the host is gone, or the way to it.
_SILENCE_S = 120
# How often paramiko's thread wakes up to look at the time; by itself it does so ten times a
# second, two thousand times with two hundred connections.
_WAKE_S = 5.0
_LOOK_S = 0.25
_MOST_OUTPUT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command said and how it ended; `exit_status` is -1 when it did not say."""

    exit_status: int
    stdout: bytes
    stderr: str


def connect(login: Login, gate: threading.BoundedSemaphore, deadline: Deadline) -> SSHClient:
    """A connection to the host.

    `gate` lets no more than WIDTH logins of one address through at once.  AgentLost when the
    host does not answer; who is refused a key or a password is not tried again.
    """
    for number in range(_TRIES):
        try:
            with _through(gate, login, deadline):
                return _log_in(login, deadline)
        except AgentLost as error:
            # Jittered: hosts that were dropped together must not come back together.
            pause_s = _FIRST_PAUSE_S * 2**number * random.uniform(0.5, 1.5)  # noqa: S311
            if number == _TRIES - 1 or deadline.remaining_s() <= pause_s:
                raise
            log.info("%s; trying again", error)
            threading.Event().wait(pause_s)
    raise AgentLost(f"{login} does not answer")


@contextlib.contextmanager
def _through(gate: threading.BoundedSemaphore, login: Login, deadline: Deadline) -> Iterator[None]:
    if not gate.acquire(timeout=deadline.remaining_s()):
        raise AgentLost(f"{login}: too many connections to it are being made at once")
    try:
        yield
    finally:
        gate.release()


def _log_in(login: Login, deadline: Deadline) -> SSHClient:
    # paramiko takes 0.2 s to import: most commands do without.
    from paramiko import SSHClient
    from paramiko.ssh_exception import (
        AuthenticationException,
        BadHostKeyException,
        PasswordRequiredException,
        SSHException,
    )

    client = SSHClient()
    pin_host_keys(client, login)
    within_s = max(0.1, min(_CONNECT_S, deadline.remaining_s()))
    try:
        client.connect(
            login.known_as,
            port=22,  # not asked: the socket is there, and known_as is the whole name
            username=login.user,
            password=login.password,
            key_filename=list(login.key_files) or None,  # type: ignore[arg-type] # the stubs know one
            allow_agent=login.uses_agent,
            look_for_keys=login.uses_agent and not login.key_files,
            sock=_socket(login, within_s),
            timeout=within_s,
            banner_timeout=within_s,
            auth_timeout=within_s,
            channel_timeout=within_s,
        )
        transport = transport_of(client)
    except BadHostKeyException as error:
        client.close()
        raise explain_changed(error.key, error.expected_key, login) from error
    except PasswordRequiredException as error:
        client.close()
        raise InfrastructureError(
            f"{login}: its key {', '.join(login.key_files)} is encrypted; load it into the SSH "
            "agent (ssh-add) and leave `key` out"
        ) from error
    except AuthenticationException as error:
        client.close()
        raise InfrastructureError(
            f"{login} refuses the login with {_tried(login)}: {error}. Try it by hand: "
            f"ssh -p {login.port} {login.user}@{login.address}"
        ) from error
    except (SSHException, OSError, EOFError) as error:
        said = _tired_of_keys(client, login) or _said(error)
        client.close()
        raise AgentLost(f"{login} cannot be reached: {said}") from error
    except BaseException:
        client.close()
        raise
    transport.set_keepalive(_KEEPALIVE_S)
    transport.sock.settimeout(_WAKE_S)
    return client


def disconnect(client: SSHClient) -> None:
    """End a connection, so that paramiko's thread, which reads from it, knows at once."""
    transport = client.get_transport()
    if transport is not None:
        with contextlib.suppress(OSError):
            transport.sock.shutdown(socket.SHUT_RDWR)
    client.close()


def _tried(login: Login) -> str:
    if login.password is not None:
        return "the password"
    if login.key_files:
        return f"the key {', '.join(login.key_files)}"
    return "the SSH agent and the keys in ~/.ssh"


def _tired_of_keys(client: SSHClient, login: Login) -> str | None:
    """What to say of a connection that ended while key after key was tried.

    It may be the network all the same, so it is no refusal, which would not be tried again.
    """
    from paramiko import Agent

    transport = client.get_transport()
    if not login.uses_agent or transport is None or transport.auth_handler is None:
        return None
    with contextlib.closing(Agent()) as agent:
        count = len(agent.get_keys())
    return (
        f"it closed the connection while keys were tried; the SSH agent holds {count}, and a host "
        "tries 6 at most (MaxAuthTries). Name the right one with `key`"
    )


def _said(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _socket(login: Login, within_s: float) -> socket.socket:
    """A TCP connection that notices a host which has gone without a word."""
    connected = socket.create_connection((login.address, login.port), timeout=within_s)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, 30),
        (socket.TCP_KEEPINTVL, 15),
        (socket.TCP_KEEPCNT, 6),
        (socket.TCP_USER_TIMEOUT, _SILENCE_S * 1000),
    ):
        connected.setsockopt(socket.IPPROTO_TCP, option, value)
    return connected


def transport_of(client: SSHClient) -> Transport:
    """The client's transport; AgentLost when it has none any more."""
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise AgentLost("the connection is closed")
    return transport


@contextlib.contextmanager
def ssh_faults(what: str) -> Iterator[None]:
    """Turns what paramiko raises when a connection breaks into AgentLost."""
    from paramiko.ssh_exception import SSHException

    try:
        yield
    except TimeoutError as error:
        raise AgentLost(f"{what}: no answer in time") from error
    except (SSHException, OSError, EOFError) as error:
        raise AgentLost(f"{what}: {_said(error)}") from error


def start(client: SSHClient, argv: Sequence[str], what: str, deadline: Deadline) -> Channel:
    """A channel on which a command runs.

    SSH hands the user's login shell one line; this is the only place that makes it, of words
    that are quoted one by one.
    """
    with ssh_faults(what):
        channel = transport_of(client).open_session(timeout=max(0.1, deadline.remaining_s()))
        channel.settimeout(max(0.1, deadline.remaining_s()))
        channel.exec_command(shlex.join(argv))
    return channel


def ask(client: SSHClient, argv: Sequence[str], what: str, deadline: Deadline) -> Answer:
    """Run a command to its end; both streams are drained before its status is asked for."""
    channel = start(client, argv, what, deadline)
    with ssh_faults(what), contextlib.closing(channel):
        channel.shutdown_write()
        stdout, stderr = _drain(channel, what, deadline)
        channel.status_event.wait(deadline.remaining_s())
        return Answer(
            exit_status=channel.exit_status if channel.status_event.is_set() else -1,
            stdout=stdout,
            stderr=stderr.decode("utf-8", "replace").strip(),
        )


def _drain(channel: Channel, what: str, deadline: Deadline) -> tuple[bytes, bytes]:
    stdout, stderr = bytearray(), bytearray()
    channel.settimeout(_LOOK_S)
    while True:
        while channel.recv_stderr_ready():
            stderr += channel.recv_stderr(1 << 16)
        if deadline.is_over or len(stdout) + len(stderr) > _MOST_OUTPUT_BYTES:
            raise AgentLost(f"{what}: it did not end in time")
        try:
            chunk = channel.recv(1 << 16)
        except TimeoutError:
            continue
        if not chunk:
            break
        stdout += chunk
    channel.settimeout(max(0.1, deadline.remaining_s()))
    while chunk := channel.recv_stderr(1 << 16):
        stderr += chunk
    return bytes(stdout), bytes(stderr)
