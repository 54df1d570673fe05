"""Splits fio's output into status documents, as they appear.

With `--status-interval` fio writes one JSON document after the other, each
beginning and ending with a brace alone on its line; between them may stand
notes and errors, which are kept apart and never read as figures.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List

Document = Dict[str, Any]

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
MAX_NOTES = 50
_END = b"\n}"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"fio printed {name}")


class DocumentSplitter:
    """Feeds on bytes, gives documents; `notes` holds the other lines (the first 50).

    `rubbish` counts the pieces that looked like a document and were none.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self.notes: List[str] = []
        self.rubbish = 0
        self.documents = 0

    def feed(self, chunk: bytes) -> List[Document]:
        """The documents that are now complete."""
        self._buffer += chunk
        found = []
        while True:
            end = self._find_end()
            if end < 0:
                break
            found += self._cut(end)
        if len(self._buffer) > MAX_DOCUMENT_BYTES:
            self.rubbish += 1
            self._note(bytes(self._buffer[:4096]))
            self._drop(len(self._buffer))
        return found

    def finish(self) -> List[Document]:
        """The last document, if it lacks only its newline; a torn one is counted as rubbish."""
        found = self._cut(len(self._buffer)) if self._buffer.strip() else []
        self._drop(len(self._buffer))
        return found

    def _find_end(self) -> int:
        """Offset behind the next closing line, -1 when it has not come yet."""
        at = self._buffer.find(_END, max(0, self._scanned - len(_END)))
        while at >= 0:
            behind = at + len(_END)
            if behind == len(self._buffer):
                self._scanned = at
                return -1
            if self._buffer[behind] in b"\r\n":
                return behind + 1
            at = self._buffer.find(_END, behind)
        self._scanned = len(self._buffer)
        return -1

    def _cut(self, end: int) -> List[Document]:
        piece = bytes(self._buffer[:end])
        self._drop(end)
        start = 0 if piece.startswith(b"{") else piece.find(b"\n{") + 1
        if start == 0 and not piece.startswith(b"{"):
            self._note(piece)
            return []
        self._note(piece[:start])
        try:
            document = json.loads(piece[start:], parse_constant=_refuse_constant)
        except ValueError:
            self.rubbish += 1
            self._note(piece[start:])
            return []
        self.documents += 1
        return [document]

    def _drop(self, end: int) -> None:
        del self._buffer[:end]
        self._scanned = 0

    def _note(self, text: bytes) -> None:
        room = MAX_NOTES - len(self.notes)
        lines = [line.strip() for line in text[:8192].decode("utf-8", "replace").splitlines()]
        self.notes += [line[:300] for line in lines if line][:room]
