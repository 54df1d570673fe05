"""Puts a publication into a folder, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storperf.errors import DeliveryError
from storperf.hooks.publication import Publication, PublishedFile


def publish_to_folder(publication: Publication, top: Path) -> bool:
    """Put it below `top`; False when it is there already, every byte of it.

    A new one gets its name when all of it is on disk.  One that is there and differs (an older
    report, a torn copy) is moved aside for that moment, and removed.  DeliveryError when it
    cannot be written.
    """
    target = top / publication.place
    if all(_is_there(target / each.name, each) for each in publication.files):
        return False
    part, old = (target.with_name(f".{target.name}.{word}") for word in ("part", "old"))
    with _faults(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)
        part.mkdir()
        for each in publication.files:
            _write(part / each.name, each)
        if target.exists():
            _remove(old)
            target.rename(old)
        part.rename(target)
        _remove(old)
    return True


def _is_there(path: Path, wanted: PublishedFile) -> bool:
    with _faults(path):
        if not path.is_file() or path.stat().st_size != wanted.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == wanted.sha256


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _write(path: Path, each: PublishedFile) -> None:
    with path.open("wb") as file:
        if isinstance(each.content, bytes):
            file.write(each.content)
        else:
            with each.content.open("rb") as source:
                shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeliveryError(f"cannot publish at {path}: {error.strerror}") from error
