"""Host keys are pinned: who is not known is refused, with the fingerprint and what to do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from storperf.errors import HostKeyRefused, UsageError
from storperf.remote.ssh_login import DEFAULT_PORT, Login

if TYPE_CHECKING:
    from paramiko import HostKeys, MissingHostKeyPolicy, PKey, SSHClient

log = logging.getLogger(__name__)

_REVOKED = "@revoked"


def fingerprint(key: bytes) -> str:
    """The fingerprint of a public key as ssh-keygen writes it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


def fingerprint_of_line(text: str) -> str:
    """The fingerprint of a key such as `ssh-ed25519 AAAA...`; UsageError when it is none."""
    _, key = parse_host_key(text)
    return fingerprint(key.asbytes())


def pin_host_keys(client: SSHClient, login: Login) -> None:
    """Let a client believe what the login pins, else what known_hosts holds, and nothing else."""
    if login.host_key is not None:
        kind, key = parse_host_key(login.host_key)
        client.get_host_keys().add(login.known_as, kind, key)
    else:
        believe_files(client, login.known_files)
    client.set_missing_host_key_policy(_refusing(login))


def believe_files(client: SSHClient, files: Iterable[Path]) -> None:
    """Let a client believe what these known_hosts hold, but for what they revoke."""
    lines = [line for path in files for line in _lines(path)]
    revoked = _revoked(lines)
    for line in lines:
        _add(client.get_host_keys(), line, revoked)


def parse_host_key(text: str) -> tuple[str, PKey]:
    """Kind and key of a line such as `ssh-ed25519 AAAA...`; UsageError when it is none."""
    from paramiko import PKey
    from paramiko.ssh_exception import SSHException

    words = text.split()
    if len(words) < 2:
        raise UsageError(f"{text!r} is no host key; one looks like `ssh-ed25519 AAAA...`")
    try:
        content = base64.b64decode(words[1], validate=True)
        return words[0], PKey.from_type_string(words[0], content)
    except (binascii.Error, ValueError, SSHException, LookupError, TypeError) as error:
        raise UsageError(f"{text[:80]!r} is no host key: {error}") from error


def _lines(path: Path) -> list[str]:
    """The lines of a known_hosts that speak of keys; none when there is no such file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _revoked(lines: Iterable[str]) -> set[str]:
    """The keys that are revoked for whatever host, in base64."""
    words = [line.split() for line in lines if line.startswith(_REVOKED)]
    return {each[3] for each in words if len(each) > 3}


def _add(known: HostKeys, line: str, revoked: Container[str]) -> None:
    """Believe a line; one of a kind that paramiko does not know (@cert-authority) says nothing."""
    from paramiko.hostkeys import HostKeyEntry, InvalidHostKey
    from paramiko.ssh_exception import SSHException

    if line.startswith("@"):
        return
    try:
        entry = HostKeyEntry.from_line(line)
    except (InvalidHostKey, SSHException):
        log.warning("a line of known_hosts holds no key: %s", line[:80])
        return
    if entry is None or entry.key is None or entry.key.get_base64() in revoked:
        return
    kind = entry.key.get_name()
    for name in entry.hostnames or ():
        if kind not in (known.lookup(name) or {}):
            known.add(name, kind, entry.key)


def explain_unknown(key: PKey, login: Login) -> HostKeyRefused:
    """What to say of a host whose key nobody vouches for."""
    where = ", ".join(str(path) for path in login.known_files)
    port = "" if login.port == DEFAULT_PORT else f"-p {login.port} "
    return HostKeyRefused(
        f"{login} shows a host key that is not known: {key.get_name()} "
        f"{fingerprint(key.asbytes())}. Compare it with what the host says of itself "
        "(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, on its console); if it is the same, "
        f"add the host to known_hosts (ssh-keyscan {port}{login.address}) or write its key into "
        f'the inventory: host_key: "{key.get_name()} {key.get_base64()}". Looked in: {where}',
        fingerprint=fingerprint(key.asbytes()),
    )


def explain_changed(key: PKey, expected: PKey, login: Login) -> HostKeyRefused:
    """What to say of a host that shows another key than the known one."""
    source = "the inventory" if login.host_key is not None else "known_hosts"
    remedy = (
        "write the new key there"
        if login.host_key is not None
        else f"remove the old one first: ssh-keygen -R '{login.known_as}'"
    )
    return HostKeyRefused(
        f"{login} shows another host key than {source} has for it: "
        f"{key.get_name()} {fingerprint(key.asbytes())} instead of "
        f"{expected.get_name()} {fingerprint(expected.asbytes())}. Somebody may be in between, "
        f"or the host was installed anew. If you know that it was, {remedy}",
        fingerprint=fingerprint(key.asbytes()),
    )


def _refusing(login: Login) -> MissingHostKeyPolicy:
    from paramiko import MissingHostKeyPolicy

    class Refusing(MissingHostKeyPolicy):
        """Nobody is added by himself."""

        def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
            del client, hostname
            raise explain_unknown(key, login)

    return Refusing()
