"""Where documents begin and end in fio's output, and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_START = b"{"
_END = b"\n}"
_LONGEST_NOTE = 300
# A note, or a byte order mark, without a line end of its own: the brace behind it begins a
# document all the same when the next thing is a key.
_AFTER_A_NOTE = re.compile(rb'^[^\s{}][^\n]*?(\{)(?=[ \t]*\r?\n\s+"|")', re.MULTILINE)
CUT_OFF = "another document begins inside of it"


@dataclass(frozen=True, slots=True)
class Note:
    """A line outside of any document, without blanks at its ends."""

    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """What looks like a document: the bytes from `start` to `end`.

    `fault` is why it cannot be one, empty as far as its braces tell.
    """

    start: int
    end: int
    fault: str = ""


def iter_pieces(output: bytes) -> Iterator[Note | Piece]:
    """Documents and notes, one after the other, in their order.

    A document begins with a line that starts with a brace and ends with a line that is one, or
    it is one line.  A last one without its end reaches up to the end of the output.
    """
    position = 0
    while (start := _begin(output, position)) >= 0:
        yield from _notes(output, position, start)
        end = _document_end(output, start)
        again = output.rfind(b"\n{", start, len(output) if end < 0 else end)
        if again >= 0:
            yield Piece(start, again, CUT_OFF)
            position = again + 1
        elif end < 0:
            yield Piece(start, len(output))
            return
        else:
            yield Piece(start, end)
            position = end
    yield from _notes(output, position, len(output))


def _begin(output: bytes, position: int) -> int:
    """Offset of the next document's brace, -1 when there is none."""
    start = _line_start(output, position)
    end = len(output) if start < 0 else start
    behind_note = _AFTER_A_NOTE.search(output, position, end) if position < end else None
    return start if behind_note is None else behind_note.start(1)


def _line_start(output: bytes, position: int) -> int:
    """Offset of the next line that starts with a brace, -1 when there is none."""
    if output.startswith(_START, position):
        return position
    before = output.find(b"\n{", position)
    return before + 1 if before >= 0 else -1


def _document_end(output: bytes, start: int) -> int:
    """Offset behind the document's last brace, -1 when it is missing."""
    if output[start + 1 : start + 2] == b'"':
        line_end = output.find(b"\n", start)
        end = len(output) if line_end < 0 else line_end
        if output[start:end].rstrip().endswith(b"}"):
            return end
    at = output.find(_END, start)
    while at >= 0:
        behind = at + len(_END)
        if output[behind : behind + 1] in (b"", b"\n", b"\r"):
            return behind
        at = output.find(_END, behind)
    return -1


def _notes(output: bytes, start: int, end: int) -> Iterator[Note]:
    for line in output[start:end].decode("utf-8", "replace").splitlines():
        text = line.strip().strip("\ufeff")
        if text:
            yield Note(text[:_LONGEST_NOTE])
