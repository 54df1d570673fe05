"""Makes lying fios for tests; what they can do stands in `lying_fio.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LYING_FIO = Path(__file__).with_name("lying_fio.py")


def make_fio(folder: Path, mode: str = "honest", **settings: object) -> Path:
    """An executable `fio` in `folder` (made if missing) that behaves as `mode` says."""
    folder.mkdir(parents=True, exist_ok=True)
    fio = folder / "fio"
    fio.write_text(f"#!{sys.executable} -SE\n" + LYING_FIO.read_text(encoding="utf-8"))
    fio.chmod(0o755)
    set_fio(fio, mode, **settings)
    return fio


def set_fio(fio: Path, mode: str = "honest", **settings: object) -> None:
    """Let a lying fio behave otherwise from its next call on."""
    text = json.dumps({"mode": mode, **settings})
    fio.with_name(fio.name + ".settings.json").write_text(text)


def calls_of(fio: Path) -> list[dict]:
    """Every call so far, oldest first: `pid`, `child` (0 for none), `argv`."""
    path = fio.with_name(fio.name + ".calls")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
