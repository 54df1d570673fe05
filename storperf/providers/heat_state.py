"""What a run must remember of its stack: its name, and every key of its agents.

One file in a folder that nobody else can read; both go when the stack is gone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from storperf.errors import StoreError
from storperf.model.keys import KeyPair

_FOLDER = "stack"
_STATE = "state.json"
_KEY = "key"


@dataclass(kw_only=True)
class AgentKeys:
    """The host keys of one agent.

    `first` is in its user data; `second` is the public half of the one that takes its place,
    made on the agent, known here before it is shown there.
    """

    first: KeyPair
    second: str | None = None
    is_replaced: bool = False


@dataclass(kw_only=True)
class StackState:
    """`token` stands in the stack's own tags: what carries it was made by this run."""

    folder: Path
    name: str
    run_id: str
    token: str
    expires_s: float
    public_key: str
    manager: str | None = None
    agents: dict[str, AgentKeys] = field(default_factory=dict)

    @property
    def key_file(self) -> Path:
        """The private half of the run's key pair."""
        return self.folder / _KEY

    def keys_of(self, agent: str) -> AgentKeys:
        """An agent's host keys, made when it is asked for the first time."""
        if agent not in self.agents:
            self.agents[agent] = AgentKeys(first=make_key_pair())
        return self.agents[agent]

    def save(self) -> None:
        """Keep it, whole or not at all."""
        kept = {
            "name": self.name,
            "run_id": self.run_id,
            "token": self.token,
            "expires_s": self.expires_s,
            "public_key": self.public_key,
            "manager": self.manager,
            "agents": {name: asdict(keys) for name, keys in self.agents.items()},
        }
        _write(self.folder / _STATE, json.dumps(kept))

    def forget(self) -> None:
        """Remove all of it: the stack is gone, and its keys open nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)


def make_state(run_folder: Path, run_id: str, name: str, expires_s: float) -> StackState:
    """The state of a stack that is to be made, stored with a new key pair."""
    folder = run_folder / _FOLDER
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {folder}: {error.strerror}") from error
    pair = make_key_pair()
    _write(folder / _KEY, pair.private)
    state = StackState(
        folder=folder,
        name=name,
        run_id=run_id,
        token=secrets.token_hex(8),
        expires_s=expires_s,
        public_key=pair.public,
    )
    state.save()
    return state


def find_state(run_folder: Path) -> StackState | None:
    """What an earlier manager of the run kept; None when it never came so far."""
    folder = run_folder / _FOLDER
    try:
        kept: dict[str, Any] = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {folder / _STATE}: {error}") from error
    agents = {
        name: AgentKeys(**{**keys, "first": KeyPair(**keys["first"])})
        for name, keys in kept.pop("agents").items()
    }
    return StackState(folder=folder, agents=agents, **kept)


def make_key_pair() -> KeyPair:
    """A pair of ed25519 as OpenSSH writes it."""
    # paramiko's own library, and as heavy: only a cloud needs it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return KeyPair(public=public.decode("ascii"), private=private.decode("ascii"))


def _write(path: Path, text: str) -> None:
    """Put a secret into a file that nobody else can read; it appears whole."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
