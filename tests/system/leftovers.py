"""What a run must not leave behind: scratch, agent folders, processes, half-written files."""

from __future__ import annotations

import time
from pathlib import Path

# A supervisor ends after it has answered; a killed fio is reaped a moment later.
PATIENCE_S = 10.0


def processes_of(folder: Path) -> dict[int, str]:
    """Living processes whose command line or working directory lies in `folder`."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            where = str((process / "cwd").readlink())
        except (OSError, UnicodeDecodeError):
            continue  # gone meanwhile, or a zombie
        if words and (str(folder) in words or where.startswith(str(folder))):
            found[int(process.name)] = words.strip()
    return found


def scratch_of(folder: Path) -> list[Path]:
    """Folders that storperf makes inside a target's directory."""
    return sorted(folder.rglob("storperf-2*"))


def left_behind(work: Path, agents: Path, results: Path, *, top: Path) -> list[str]:
    """What is left, in words; the best found within the patience."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        left = [f"process {pid}: {words}" for pid, words in processes_of(top).items()]
        left += [f"scratch: {path}" for path in scratch_of(work)]
        left += [f"agent: {path}" for path in sorted(agents.glob("runs/*"))]
        if not left or time.monotonic() > give_up_s:
            break
        time.sleep(0.05)
    halves = [path for path in results.rglob(".*") if path.is_file()]
    return left + [f"half a file: {path}" for path in halves]
