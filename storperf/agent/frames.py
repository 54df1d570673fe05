"""Framed JSON: the form of both the wire and the journal.

A frame is a 12-byte header and a UTF-8 JSON object: magic `SP`, version, kind,
length and CRC-32 of the payload, big-endian.  A journal is a file of record
frames, so following one is copying bytes.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, Dict, Iterator, Tuple

VERSION = 1
MAX_PAYLOAD_BYTES = 32 * 1024 * 1024

COMMAND = 1
REPLY = 2
RECORD = 3

_HEADER = struct.Struct(">2sBBII")
_MAGIC = b"SP"

Message = Dict[str, Any]


class FrameError(Exception):
    """Bytes that are not a frame of this version: damage, or another program."""


def encode(kind: int, message: Message) -> bytes:
    """The frame of one message; ValueError for NaN and inf, which are never sent."""
    return wrap(kind, payload_of(message))


def payload_of(message: Message) -> bytes:
    """A message as JSON; ValueError for NaN and inf."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def wrap(kind: int, payload: bytes) -> bytes:
    """The frame around a payload that is JSON already."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FrameError(f"a message of {len(payload)} bytes does not fit into a frame")
    return _HEADER.pack(_MAGIC, VERSION, kind, len(payload), zlib.crc32(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes into messages; `consumed_bytes` ends behind the frame given last."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.consumed_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[Tuple[int, Message]]:
        """Kind and message of each frame that is now complete."""
        for kind, payload in self.feed_raw(chunk):
            yield kind, parse(payload)

    def feed_raw(self, chunk: bytes) -> Iterator[Tuple[int, bytes]]:
        """Kind and payload of each frame that is now complete, checked but not decoded.

        Frames before a damaged one are given before FrameError is raised.
        """
        self._buffer += chunk
        start = 0
        try:
            while len(self._buffer) - start >= _HEADER.size:
                kind, length, checksum = self._header(start)
                end = start + _HEADER.size + length
                if len(self._buffer) < end:
                    break
                payload = bytes(self._buffer[start + _HEADER.size : end])
                if zlib.crc32(payload) != checksum:
                    raise FrameError("a frame is damaged: its checksum differs")
                self.consumed_bytes += end - start
                start = end
                yield kind, payload
        finally:
            del self._buffer[:start]

    def _header(self, start: int) -> Tuple[int, int, int]:
        magic, version, kind, length, checksum = _HEADER.unpack_from(self._buffer, start)
        if magic != _MAGIC:
            raise FrameError(f"not a frame: {bytes(self._buffer[start : start + 40])!r}")
        if version != VERSION:
            raise FrameError(f"a frame of version {version}; this side speaks {VERSION}")
        if length > MAX_PAYLOAD_BYTES:
            raise FrameError(f"a frame of {length} bytes is over the limit")
        return kind, length, checksum


def parse(payload: bytes) -> Message:
    """The object in a payload."""
    try:
        message = json.loads(payload)
    except ValueError as error:
        raise FrameError(f"a frame holds no JSON: {error}") from error
    if not isinstance(message, dict):
        raise FrameError("a frame holds something else than an object")
    return message
