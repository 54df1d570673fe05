"""Brings files to a host, each under its own hash, into a folder that is the login user's alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from storperf.agent.landing import MARK
from storperf.deadline import Deadline
from storperf.errors import AgentLost, InfrastructureError
from storperf.remote.connection import ask, ssh_faults, transport_of

if TYPE_CHECKING:
    from paramiko import SFTPClient, SFTPFile, SSHClient

PYTHONS = ("python3", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13")
DEFAULT_FOLDER = "~/.local/state/storperf/agent"
_NO_PYTHON = 97
# What is asked for at once when a file is read back.
_PIECE_BYTES = 32768
_MOST_PIECES = 16
# For any POSIX shell: the program ends with 0 under the first Python that is new enough for it.
# It is the same for every host; what differs comes as words behind it.
_FIND_PYTHON = (
    "code=$1; ask=$2; shift 2; "
    'for p in "$@"; do command -v "$p" >/dev/null 2>&1 || continue; '
    '"$p" -E -s -S -c "$code" "$ask" && exit; '
    '"$p" -V >&2; done; '
    f"exit {_NO_PYTHON}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file for the host; its name holds its hash, so that no other can take its place."""

    name: str
    sha256: str
    content: bytes
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What the host's Python found out; see agent/landing.py.  Paths are absolute."""

    python: str
    version: str
    folder: str
    fault: str | None
    here: tuple[bool, ...]
    fio: str | None
    installers: tuple[str, ...]
    is_root: bool
    sudo_fault: str | None


def look(  # noqa: PLR0913 - what a host is asked, by keyword
    client: SSHClient,
    who: str,
    files: Sequence[StagedFile],
    *,
    folder: str,
    python: str | None,
    fio: str,
    sudo: bool,
    deadline: Deadline,
) -> Landing:
    """One command: three round trips, whatever is there already."""
    wanted: dict[str, Any] = {
        "folder": folder,
        "files": [(file.name, file.sha256) for file in files],
        "fio": fio,
        "sudo": sudo,
    }
    candidates = (python,) if python else PYTHONS
    said = ask(
        client,
        ["sh", "-c", _FIND_PYTHON, "storperf", _program(), _packed(wanted), *candidates],
        f"{who}: looking for Python there",
        deadline,
    )
    if said.exit_status == _NO_PYTHON:
        found = ", ".join(said.stderr.split("\n")[-5:]) or "none of them is there"
        raise InfrastructureError(
            f"{who} has no Python 3.9 or newer (looked for {', '.join(candidates)}; {found}); "
            "install one, or name it with `python` in the inventory"
        )
    return _landing(who, said.stdout, said.stderr)


def _program() -> str:
    """agent/landing.py as one word without newlines, at which csh breaks a quoted text."""
    source = resources.files("storperf.agent").joinpath("landing.py").read_bytes()
    return (
        "import sys, binascii; sys.version_info < (3, 9) and sys.exit(1); "
        f"exec(binascii.a2b_base64('{base64.b64encode(source).decode('ascii')}'))"
    )


def _packed(wanted: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(wanted).encode()).decode("ascii")


def _landing(who: str, stdout: bytes, stderr: str) -> Landing:
    for line in reversed(stdout.decode("utf-8", "replace").splitlines()):
        if line.startswith(MARK):
            found = json.loads(line.removeprefix(MARK))
            found["here"] = tuple(found["here"])
            found["installers"] = tuple(found["installers"])
            return Landing(**found)
    words = stderr[-500:] or stdout[-500:].decode("utf-8", "replace") or "nothing"
    raise InfrastructureError(
        f"{who} does not run commands as a host should; it said: {words.strip()}"
    )


def bring(
    client: SSHClient, who: str, folder: str, files: Sequence[StagedFile], deadline: Deadline
) -> None:
    """Put files into `folder`, which `look` has made and found good; each appears whole.

    Each is read back through the file that was opened to write it, before it gets its name.
    """
    with _sftp(client, who, deadline) as sftp:
        for file in files:
            _put(sftp, who, folder, file)


@contextlib.contextmanager
def _sftp(client: SSHClient, who: str, deadline: Deadline) -> Any:
    from paramiko import SFTPClient
    from paramiko.ssh_exception import SSHException

    with ssh_faults(f"{who}: bringing files there"):
        transport = transport_of(client)
        channel = transport.open_session(timeout=max(0.1, deadline.remaining_s()))
    channel.settimeout(max(0.1, deadline.remaining_s()))
    try:
        channel.invoke_subsystem("sftp")
        sftp = SFTPClient(channel)
    except (SSHException, EOFError) as error:
        channel.close()
        if not transport.is_active():
            raise AgentLost(f"{who}: the connection broke: {error}") from error
        raise InfrastructureError(
            f"{who} has no SFTP, by which the agent is brought there; its sshd_config needs a "
            "line such as `Subsystem sftp internal-sftp`"
        ) from error
    with contextlib.closing(sftp):
        yield sftp


def _read_back(source: SFTPFile, size_bytes: int) -> str:
    """The SHA-256 of a file that is open, read in pieces: many hosts are brought files at once."""
    source.seek(0)
    source.prefetch(size_bytes, _MOST_PIECES)
    digest = hashlib.sha256()
    for _ in range(0, size_bytes, _PIECE_BYTES):
        digest.update(source.read(_PIECE_BYTES))
    return digest.hexdigest()


def _put(sftp: SFTPClient, who: str, folder: str, file: StagedFile) -> None:
    from paramiko.ssh_exception import SSHException

    # SFTP's exclusive create follows no link and takes no file that is there.
    temporary = f"{folder}/.{file.name}.{secrets.token_hex(8)}"
    try:
        with sftp.open(temporary, "w+bx") as sink:
            sink.chmod(file.mode)
            sink.set_pipelined(True)
            whole = memoryview(file.content)
            sink.write(whole[:-1])
            sink.set_pipelined(False)  # the last byte waits for the answers to all before it
            sink.write(whole[-1:])
            came = _read_back(sink, len(whole))
        if came != file.sha256:
            sftp.remove(temporary)
            raise InfrastructureError(f"{who}: what came to {folder} is not what was sent")
        sftp.posix_rename(temporary, f"{folder}/{file.name}")
    except TimeoutError as error:
        raise AgentLost(f"{who}: {file.name} did not arrive in time") from error
    except (EOFError, SSHException, ConnectionError) as error:
        raise AgentLost(f"{who}: the connection broke: {error}") from error
    except OSError as error:
        with contextlib.suppress(OSError, EOFError, SSHException):
            sftp.remove(temporary)
        why = error.strerror or str(error) or "no reason given; is its disk full?"
        raise InfrastructureError(
            f"{who}: {file.name} cannot be put into {folder}: {why}"
        ) from error
