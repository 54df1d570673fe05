"""Secrets that a request lends for one run: files of mode 0600, gone when the run has ended."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from storperf.model.queued import EntryState
from storperf.settings import Settings
from storperf.store.faults import file_faults
from storperf.store.store import Store

_FOLDER = "lent"
_NAME = re.compile(r"[0-9a-f]{32}")
_OPEN = (EntryState.QUEUED, EntryState.RUNNING)
# The fact of an entry that names the folder.
LENT = "lent"
_UNKNOWN_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Where a request's secret lies; `name` is its folder's."""

    name: str
    key: Path | None
    password_file: Path | None


def lend(settings: Settings, *, private_key: str | None, password: str | None) -> Lent:
    """Put a login's secret where only this user can read it; the key when there are both."""
    name = secrets.token_hex(16)
    folder = _folder(settings) / name
    with file_faults("keep a login for the run", folder):
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        if private_key is not None:
            key = _write(folder / "key", private_key.strip() + "\n")
            return Lent(name=name, key=key, password_file=None)
        file = _write(folder / "password", f"{password}\n")
        return Lent(name=name, key=None, password_file=file)


def _write(path: Path, text: str) -> Path:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def forget(settings: Settings, name: str) -> None:
    """Remove what was lent; what is gone already is gone."""
    if _NAME.fullmatch(name):
        shutil.rmtree(_folder(settings) / name, ignore_errors=True)


def forget_ended(settings: Settings, store: Store) -> None:
    """Remove what was lent to runs that neither wait nor run, and what no run ever knew of.

    A login is lent before its run is in the queue: what nobody knows yet has an hour.
    """
    folder = _folder(settings)
    lent = {each.name: each for each in folder.iterdir()} if folder.is_dir() else {}
    if not lent:
        return
    entries = {str(entry.facts.get(LENT)): entry for entry in store.queue_entries()}
    for name, path in lent.items():
        entry = entries.get(name)
        is_over = _is_old(path) if entry is None else entry.state not in _OPEN
        if is_over:
            forget(settings, name)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _UNKNOWN_S
    except FileNotFoundError:
        # Somebody else has removed it meanwhile.
        return False


def _folder(settings: Settings) -> Path:
    return settings.results / _FOLDER
