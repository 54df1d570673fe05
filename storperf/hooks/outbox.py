"""What is to be handed on and was not taken yet: a file each, which outlives the program."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from storperf.errors import StoreError
from storperf.graphite.folder_lock import held
from storperf.store.atomic import replacing
from storperf.store.faults import file_faults

_SCHEMA = "storperf-letter/1"


class LetterState(StrEnum):
    """`refused`: asking again changes nothing, until somebody changes something over there."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A document on its way to an address.

    `id` is made of both, so that the same one is never kept twice.  `href` is where it stands
    there once it was taken, `said` what the last try came to.
    """

    id: str
    url: str
    run: str
    document: Mapping[str, Any]
    state: LetterState = LetterState.WAITING
    href: str = ""
    said: str = ""


def new_letter(url: str, run: str, document: Mapping[str, Any]) -> Letter:
    """A letter that nobody has sent."""
    text = json.dumps([url, document], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Letter(id=f"{run}-{digest}", url=url, run=run, document=document)


class Outbox:
    """The letters in a folder.  StoreError when it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the box while letters go: two senders would send each twice."""
        with held(self._folder / "lock"):
            yield

    def keep(self, letter: Letter) -> None:
        """Write it down, or what has become of it; on disk when this returns."""
        with file_faults("keep what is to be sent", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = json.dumps({"schema": _SCHEMA, **asdict(letter)}, ensure_ascii=False, indent=1)
        with replacing(self._path(letter.id)) as file:
            file.write(text.encode())

    def find(self, letter_id: str) -> Letter | None:
        """The letter as it was kept last; None when it never was."""
        path = self._path(letter_id)
        return _read(path) if path.is_file() else None

    def waiting(self) -> tuple[Letter, ...]:
        """Those that still have to go, of the oldest run first."""
        letters = (_read(path) for path in sorted(self._folder.glob("*.json")))
        return tuple(each for each in letters if each.state is LetterState.WAITING)

    def _path(self, letter_id: str) -> Path:
        return self._folder / f"{letter_id}.json"


def _read(path: Path) -> Letter:
    with file_faults("read what is to be sent", path):
        text = path.read_bytes()
    try:
        found = json.loads(text)
        is_ours = found.pop("schema") == _SCHEMA
        letter = Letter(**{**found, "state": LetterState(found["state"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is no letter of ours ({error}); move it away") from error
    if not is_ours:
        raise StoreError(f"{path} was written by another storperf; move it away")
    return letter
