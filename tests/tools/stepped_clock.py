"""Steps the wall clock of programs that a test starts; the machine's own clock is not touched.

libfaketime 0.9.10, the one of Debian 12, does not serve: under it time.sleep of Python 3.11 fails
with EINVAL, and fio says that its job start-up hung.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class SteppedClock:
    """The wall clock of every process that is started with `environment`, and of its children."""

    def __init__(self, folder: Path) -> None:
        """Compiles the library into `folder`, which is made; needs `compiler()`."""
        folder.mkdir()
        self._step = folder / "step"
        self._step.write_bytes(struct.pack("=q", 0))
        library = folder / "stepped_clock.so"
        subprocess.run(
            [str(compiler()), "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"],
            capture_output=True,
            check=True,
            timeout=60,
        )
        self.environment = {"LD_PRELOAD": str(library), "STEPPED_CLOCK": str(self._step)}

    def step(self, seconds: int) -> None:
        """Put the clock that many seconds before (negative: behind) the machine's."""
        with self._step.open("r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))


def compiler() -> str | None:
    """The C compiler of this machine; None when it has none."""
    return shutil.which("cc")
