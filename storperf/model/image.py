"""An agent image in a cloud."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedImage:
    """What became of an upload; not `is_new` when the cloud had it already."""

    id: str
    name: str
    sha256: str
    size_bytes: int
    is_new: bool
