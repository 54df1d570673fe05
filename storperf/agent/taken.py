"""A target that a run holds on this host."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional

from storperf.agent import remote_targets

Request = Dict[str, Any]


class Taken:
    """One target that is locked: `filenames` are what fio opens; none where there is no file.

    `lock` is the file that stands for a target on a server.
    """

    def __init__(
        self, request: Request, filenames: List[str], size_bytes: int, fd: Optional[int]
    ) -> None:
        self.request = request
        self.filenames = filenames
        self.size_bytes = size_bytes
        self.fd = fd
        self.device = ""
        # Of a device, also of one with a file system of ours.
        self.rdev: Optional[int] = None
        self.device_bytes = 0
        self.lock = ""

    @property
    def filename(self) -> str:
        """The first of them, which names the target; empty for the null engine."""
        return "".join(self.filenames[:1])

    def describe(self) -> Dict[str, Any]:
        """What the manager is told."""
        return {
            "filename": self.filename,
            "filenames": self.filenames,
            "size_bytes": self.size_bytes,
            "device": self.device,
            "lock": self.lock,
        }

    def close(self) -> None:
        """Unlock it."""
        if self.fd is not None and self.lock:
            remote_targets.unlock(self.fd, self.lock)
        elif self.fd is not None:
            os.close(self.fd)
