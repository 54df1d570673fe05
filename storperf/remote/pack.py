"""Packs the agent into one zipapp, byte for byte the same each time under one Python.

Beside each module lies its byte code for this Python; a host with another one compiles the source.
Without it Python would compile the whole agent at each start, for zipapps have no cache: half of
the CPU of a start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import zipfile
from dataclasses import dataclass
from importlib import resources

_SHEBANG = b"#!/usr/bin/env python3\n"
_MAIN = b"import sys\nfrom storperf.agent.__main__ import main\nsys.exit(main())\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPackage:
    """The zipapp and the name that it is staged under."""

    content: bytes
    sha256: str

    @property
    def file_name(self) -> str:
        """Its own hash is in the name: a staged agent is never overwritten by another."""
        return f"agent-{self.sha256[:16]}.pyz"


def build_agent() -> AgentPackage:
    """The agent of this installation."""
    buffer = io.BytesIO()
    buffer.write(_SHEBANG)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        sources = _sources()
        codes = {f"{name}c": _byte_code(name, content) for name, content in sources.items()}
        for name, content in sorted({**sources, **codes}.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    content = buffer.getvalue()
    return AgentPackage(content=content, sha256=hashlib.sha256(content).hexdigest())


def _byte_code(name: str, source: bytes) -> bytes:
    """A .pyc that is tied to its Python and to nothing else.

    Marshal's version 2 has no references to objects, which differ from one process to the next.
    Source: PEP 552; Lib/zipimport.py.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    is_unchecked = (1).to_bytes(4, "little")
    head = importlib.util.MAGIC_NUMBER + is_unchecked + importlib.util.source_hash(source)
    return head + marshal.dumps(code, 2)


def _sources() -> dict[str, bytes]:
    sources = {"__main__.py": _MAIN, "storperf/__init__.py": b""}
    for file in resources.files("storperf.agent").iterdir():
        if file.name.endswith(".py"):
            sources[f"storperf/agent/{file.name}"] = file.read_bytes()
    return sources
