"""Secrets that a request lends for one run: files of mode 0600, gone when the run has ended."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from storperf.model.queued import EntryState
from storperf.settings import Settings
from storperf.store.faults import file_faults
from storperf.store.store import Store
from storperf.web.compatible.asked import Login

_FOLDER = "lent"
_NAME = re.compile(r"[0-9a-f]{32}")
_OPEN = (EntryState.QUEUED, EntryState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """Where a request's secret lies; `name` is its folder's."""

    name: str
    key: Path | None
    password_file: Path | None


def lend(settings: Settings, login: Login) -> Lent:
    """Put a login's secret where only this user can read it."""
    name = secrets.token_hex(16)
    folder = _folder(settings) / name
    with file_faults("keep a login for the run", folder):
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(mode=0o700)
        if login.private_key is not None:
            key = _write(folder / "key", login.private_key.strip() + "\n")
            return Lent(name=name, key=key, password_file=None)
        password = _write(folder / "password", f"{login.password}\n")
        return Lent(name=name, key=None, password_file=password)


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
    """Remove what was lent to runs that neither wait nor run, and what no run knows of."""
    folder = _folder(settings)
    if not folder.is_dir():
        return
    lent = {each.name for each in folder.iterdir()}
    needed = {str(entry.facts.get("lent")) for entry in store.queue_entries(_OPEN)}
    for name in lent - needed:
        forget(settings, name)


def _folder(settings: Settings) -> Path:
    return settings.results / _FOLDER
