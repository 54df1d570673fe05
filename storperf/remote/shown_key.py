"""The key that a host shows, and the keys that known_hosts has for it; nobody logs in."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

from storperf.errors import AgentLost
from storperf.remote.host_keys import believe_files, parse_host_key

_WITHIN_S = 10.0
# Of several keys that are known, the one that is asked for.
_PREFERRED = "ssh-ed25519"


def shown_key(address: str, port: int) -> str:
    """The key that the SSH server there shows now, `ssh-ed25519 AAAA...`; AgentLost for none.

    It proves nothing: whoever is in between shows his own.
    """
    # paramiko takes 0.2 s to import: most commands do without.
    from paramiko import Transport
    from paramiko.ssh_exception import SSHException

    try:
        with (
            socket.create_connection((address, port), timeout=_WITHIN_S) as connected,
            contextlib.closing(Transport(connected)) as transport,
        ):
            transport.start_client(timeout=_WITHIN_S)
            key = transport.get_remote_server_key()
            return f"{key.get_name()} {key.get_base64()}"
    except (SSHException, OSError, EOFError) as error:
        raise AgentLost(f"{address} port {port} shows no SSH host key: {error}") from error


def known_key(known_as: str, files: Sequence[Path]) -> str | None:
    """A key that one of these known_hosts has for the host; None when none has."""
    from paramiko import SSHClient

    client = SSHClient()
    believe_files(client, files)
    found = client.get_host_keys().lookup(known_as)
    if not found:
        return None
    kinds = sorted(found.keys(), key=lambda kind: kind != _PREFERRED)
    return f"{kinds[0]} {found[kinds[0]].get_base64()}"


def read_key_line(text: str) -> str:
    """Kind and content of a public key; UsageError when the text is none."""
    kind, key = parse_host_key(text)
    return f"{kind} {key.get_base64()}"
