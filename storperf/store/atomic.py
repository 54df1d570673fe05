"""Files that are there whole or not at all."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from storperf.store.faults import file_faults


class _Part(io.FileIO):
    """The unfinished file; what the system refuses to write is told of the finished one."""

    def __init__(self, part: Path, finished: Path) -> None:
        super().__init__(part, "w", opener=_open_for_this_user)
        self._finished = finished

    def write(self, content: Any, /) -> int:
        with file_faults("write", self._finished):
            return super().write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the name `path` when the block ends, on disk by then.

    When the block raises, what was at `path` before stays.  The unfinished file has a fixed
    name beside it (one run has one manager), so a killed writer's next try takes its place.
    StoreError when the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    with file_faults("write", path):
        raw = _Part(part, path)
    try:
        with io.BufferedWriter(raw, 1 << 16) as file:
            yield file
            file.flush()
            with file_faults("write", path):
                os.fsync(file.fileno())
        with file_faults("write", path):
            part.replace(path)
            _sync_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _open_for_this_user(part: str, flags: int) -> int:
    return os.open(part, flags | os.O_CLOEXEC, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
