"""Raw output of fio, kept as it was said, compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

from storperf.store.atomic import replacing
from storperf.store.faults import file_faults

_CHUNK_BYTES = 1 << 16
_LEVEL = 6


def keep_raw(source: Path, dest: Path) -> None:
    """Write `source` gzip-compressed to `dest`, whole or not at all; `source` stays.

    The same bytes give the same file.  StoreError when either cannot be read or written.
    """
    with file_faults("read", source):
        plain = source.open("rb")
    with (
        plain,
        replacing(dest) as file,
        gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) as packed,
    ):
        while True:
            with file_faults("read", source):
                chunk = plain.read(_CHUNK_BYTES)
            if not chunk:
                return
            packed.write(chunk)
